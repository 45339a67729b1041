import { describeScenarios } from './scenario.ts'
import { networks } from './scenarios/networks.ts'

describeScenarios('docker', networks)
