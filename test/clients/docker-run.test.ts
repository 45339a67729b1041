import { describeScenarios } from './scenario.ts'
import { run } from './scenarios/run.ts'

describeScenarios('docker', run)
