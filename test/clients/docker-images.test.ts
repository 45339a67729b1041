import { describeScenarios } from './scenario.ts'
import { images } from './scenarios/images.ts'

describeScenarios('docker', images)
