import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { startBrowser, type Browser } from '../setup/browser.ts'
import { cli, docker } from '../setup/cli.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { until } from '../setup/processes.ts'
import { sharedEngine } from '../setup/shared-engine.ts'

describe('the operators\' page', () => {
  let gateway: Gateway
  let browser: Browser
  let page: Page
  let namespace: Namespace
  const errors: string[] = []
  const text = (selector: string) => page.locator(selector).innerText()

  before(async () => {
    gateway = await startGateway({ engineSocket: (await sharedEngine('28.5')).socket, flags: ['--shared-image', 'busybox:latest'] })
    namespace = await gateway.open('--label', '<img src=x onerror=alert(1)> unit tests')
    browser = await startBrowser()
    page = await browser.newPage()
    page.on('pageerror', (error) => errors.push(String(error)))
    page.on('dialog', (dialog) => { errors.push(dialog.message()); void dialog.dismiss() })
    await page.goto(`${gateway.url}/dashboard`)
  })
  after(async () => {
    await browser.stop()
    await gateway.stop()
  })

  test('shows nothing without the token, and says when it is wrong', async () => {
    assert.ok(!await page.locator('#main').isVisible())
    await page.getByLabel('Operator\'s token').fill('wrong')
    await page.keyboard.press('Enter')
    await until(async () => await text('#state') === 'The gateway does not know this token.', 'the page says so', 60_000)
  })

  test('shows hosts and namespaces to who has it, the text of jobs as text', async () => {
    await page.getByLabel('Operator\'s token').fill(readFileSync(join(gateway.stateDir, 'operator-token'), 'utf8').trim())
    await page.getByRole('button', { name: 'Show' }).click()
    await page.locator('#main').waitFor()
    assert.match(await text('#hosts'), /engine\s+up\s+28\.5/)
    assert.match(await text('#namespaces'), new RegExp(`${namespace.id}\\s+<img src=x onerror=alert\\(1\\)> unit tests`))
    assert.equal(await page.locator('#namespaces img').count(), 0)
  })

  test('shows a refusal as it happens, with what to do instead', async () => {
    assert.equal((await cli(namespace.env, ['run', '--privileged', 'busybox'])).status, 125)
    await page.getByText('HostConfig.Privileged').first().waitFor()
    assert.match(await text('#refusals'), /policy default · ContainerCreate · 403\s+HostConfig\.Privileged is not allowed in this namespace/)
  })

  test('follows what the namespace has', async () => {
    await docker(namespace.env, ['volume', 'create', 'one'])
    await until(async () => (await page.locator('#namespaces tr').first().locator('td.number').allInnerTexts())[2] === '1', 'the volume is counted', 60_000)
  })

  test('filters', async () => {
    await page.getByLabel('Filter').fill('nothing like that')
    assert.equal(await text('#namespaces'), 'None matches')
    await page.getByLabel('Filter').fill('UNIT')
    assert.match(await text('#namespaces'), new RegExp(namespace.id))
  })

  test('is light or dark as the system is, and is usable on a phone', async () => {
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    await browser.scheme(page, 'light')
    const light = await ground()
    await browser.shoot(page, 'dashboard-light')
    await browser.scheme(page, 'dark')
    assert.notEqual(await ground(), light)
    await browser.shoot(page, 'dashboard-dark')
    await page.setViewportSize({ width: 390, height: 800 })
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'only the tables scroll sideways')
    await browser.shoot(page, 'dashboard-phone')
    await page.setViewportSize({ width: 1360, height: 900 })
  })

  test('names every control and every column, for who does not see them', async () => {
    const unnamed = await page.evaluate(() => [...document.querySelectorAll('button, input')]
      .filter((control) => !(control.getAttribute('aria-label') || control.textContent?.trim() || (control as HTMLInputElement).labels?.length)).map((control) => control.outerHTML))
    assert.deepEqual(unnamed, [])
    assert.equal(await page.locator('th:not([scope])').count(), 0)
  })

  test('closes a namespace by keyboard, after asking', async () => {
    const button = page.getByRole('button', { name: `Close namespace ${namespace.id}` })
    await button.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    assert.equal(JSON.parse((await gateway.moorage(['list', '--json'])).stdout).length, 1, 'the first choice is to do nothing')
    await button.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Do it' }).click()
    await until(async () => (await text('#namespaces')).startsWith('None'), 'it is gone from the page', 60_000)
    assert.deepEqual(JSON.parse((await gateway.moorage(['list', '--json'])).stdout), [])
    await page.locator('#closed').getByText(`${namespace.id} · <img src=x onerror=alert(1)> unit tests · it was asked for`).waitFor()
  })

  test('drains a host and takes it back', async () => {
    await page.getByRole('button', { name: 'Drain host engine' }).click()
    await page.getByRole('button', { name: 'Do it' }).click()
    await page.getByRole('button', { name: 'Resume host engine' }).waitFor()
    assert.match(await text('#hosts'), /draining/)
    assert.match((await gateway.moorage(['open'])).stderr, /is drained/)
    await page.getByRole('button', { name: 'Resume host engine' }).click()
    await page.getByRole('button', { name: 'Drain host engine' }).waitFor()
  })

  test('forgets the token when told to', async () => {
    await page.getByRole('button', { name: 'Forget the token' }).click()
    await page.reload()
    assert.ok(!await page.locator('#main').isVisible())
  })

  test('raised no error and no dialog of the browser', () => assert.deepEqual(errors, []))
})
