import { describeScenarios } from './scenario.ts'
import { inside } from './scenarios/exec.ts'

describeScenarios('docker', inside)
