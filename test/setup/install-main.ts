import { installMissing } from './install.ts'

installMissing(process.argv.includes('--redis'))
