import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { install } from './install.ts'

/** Debian's Chromium, which reaches nothing but what it is told to. */
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** A browser with a profile of its own. */
export interface Browser {
  newPage(): Promise<Page>
  /** As the user's system asks for it. */
  scheme(page: Page, scheme: 'light' | 'dark'): Promise<void>
  /** Keeps a picture in the directory MOORAGE_TEST_SHOTS, if there is one, for people to look at. */
  shoot(page: Page, name: string): Promise<void>
  stop(): Promise<void>
}

export async function startBrowser(): Promise<Browser> {
  install('browser')
  const profile = mkdtempSync(join(tmpdir(), 'moorage-browser-'))
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium', args: quiet, headless: true, ignoreHTTPSErrors: true, viewport: { width: 1360, height: 900 }, timeout: 120_000,
  })
  context.setDefaultTimeout(60_000)
  return {
    newPage: () => context.newPage(),
    scheme: (page, colorScheme) => page.emulateMedia({ colorScheme }),
    async shoot(page, name) {
      const directory = process.env['MOORAGE_TEST_SHOTS']
      if (directory) await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true })
    },
    async stop() {
      await context.close()
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
