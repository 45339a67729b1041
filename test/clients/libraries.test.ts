import { fileURLToPath } from 'node:url'
import { describeScenarios } from './scenario.ts'

const program = (name: string) => fileURLToPath(new URL(`programs/${name}`, import.meta.url))

describeScenarios('libraries', {
  'docker-py does what it does everywhere': `python3 ${program('docker-py.py')}`,
  'dockerode does what it does everywhere': `${process.execPath} ${program('dockerode.ts')}`,
})
