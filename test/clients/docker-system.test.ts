import { describeScenarios } from './scenario.ts'
import { system } from './scenarios/system.ts'

describeScenarios('docker', system)
