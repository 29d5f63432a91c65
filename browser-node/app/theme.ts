// Light, dark or as the system says; remembered on this device.

import { effect, signal, type Signal } from '@preact/signals';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORAGE_KEY = 'weft.theme';

/** Applies the remembered theme to the page now and on every change. */
export function followTheme(): Signal<Theme> {
  const theme = signal(recallTheme());
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
    rememberTheme(theme.value);
  });
  return theme;
}

/** Where storage is refused, the choice lasts as long as the page. */
function recallTheme(): Theme {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return THEMES.find((theme) => theme === stored) ?? 'system';
  } catch {
    return 'system';
  }
}

function rememberTheme(theme: Theme): void {
  try {
    if (theme === 'system') localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // Nothing to do: see recallTheme.
  }
}
