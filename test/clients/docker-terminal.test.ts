import { describeScenarios } from './scenario.ts'
import { terminal } from './scenarios/terminal.ts'

describeScenarios('docker', terminal)
