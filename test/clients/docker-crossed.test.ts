import { describeScenarios } from './scenario.ts'
import { crossed } from './scenarios/crossed.ts'

describeScenarios('docker', crossed, { crossed: true })
