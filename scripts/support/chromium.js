import { chromium } from 'playwright-core';

/** Debian's Chromium, or the one that CHROMIUM names. A container's root has no sandbox, and its /dev/shm is small. */
export const launchChromium = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
