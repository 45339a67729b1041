import { installMissing, type Extra } from './install.ts'

installMissing(process.argv.slice(2) as Extra[])
