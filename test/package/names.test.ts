import { describe, expect, it } from 'vitest'

describe.each(['index.js', 'server/index.js', 'testing/index.js'])('dist/%s', (file) => {
  it('calls every class by the name that it exports it under', async () => {
    const exported = (await import(`../../dist/${file}`)) as Record<string, unknown>
    const classes = Object.entries(exported).filter(([, value]) => /^class\b/.test(String(value)))
    expect(classes.length).toBeGreaterThan(0)
    expect(classes.map(([, value]) => (value as { name: string }).name)).toEqual(classes.map(([name]) => name))
  })
})
