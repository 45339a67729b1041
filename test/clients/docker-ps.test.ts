import { describeScenarios } from './scenario.ts'
import { ps } from './scenarios/ps.ts'

describeScenarios('docker', ps)
