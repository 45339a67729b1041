import { describeScenarios } from './scenario.ts'
import { containers } from './scenarios/containers.ts'

describeScenarios('docker', containers)
