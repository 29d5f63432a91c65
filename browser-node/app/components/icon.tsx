// Line icons on a grid of 24, drawn in the colour of the text; they never carry meaning alone.

const PATHS = {
  publish: ['M12 16V4', 'm7 9 5-5 5 5', 'M5 20h14'],
  sites: [
    'M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5z',
    'M4 9.5h16',
    'M7 7.25h.01M9.5 7.25h.01',
  ],
  wallet: ['M15.5 8.5a4 4 0 1 1-7.9.9 4 4 0 0 1 7.9-.9z', 'm8.8 12.2-4.3 4.3v3h3l1-1v-1.7h1.7l1.2-1.2'],
  peers: [
    'M12 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
    'M5 21.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
    'M19 21.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
    'm10.8 7.2-4.5 9.5M13.2 7.2l4.5 9.5M7.5 19h9',
  ],
  groups: [
    'M9 11.5a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5z',
    'M3 19.5c0-3 2.7-5 6-5s6 2 6 5',
    'M15.5 5.3a3.25 3.25 0 0 1 0 6M17.5 15c2.1.6 3.5 2.3 3.5 4.5',
  ],
  page: ['M6 3.5h8l4 4v13H6z', 'M9.5 12h5M9.5 15.5h5'],
  add: ['M12 5v14M5 12h14'],
  pending: ['M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z', 'M12 7v5l3.5 2'],
  status: ['M3 12h4l2.5-7 5 14 2.5-7h4'],
  copy: ['M9 9h10.5v10.5H9z', 'M15 9V4.5H4.5V15H9'],
  open: ['M14 4h6v6', 'M20 4 11 13', 'M18 14v5.5H4.5V6H10'],
  check: ['m5 12.5 4.5 4.5L19 7.5'],
  warn: ['M12 4 2.8 19.5h18.4z', 'M12 10v4.5M12 17h.01'],
  info: ['M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z', 'M12 11v5M12 8h.01'],
  folder: [
    'M3.5 6.5A1.5 1.5 0 0 1 5 5h4.5l2 2.5H19A1.5 1.5 0 0 1 20.5 9v8.5A1.5 1.5 0 0 1 19 19H5a1.5 1.5 0 0 1-1.5-1.5z',
  ],
  lock: ['M6 11h12v9H6z', 'M8.5 11V8a3.5 3.5 0 0 1 7 0v3'],
  trash: ['M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7'],
  light: [
    'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z',
    'M12 2.5V5M12 19v2.5M2.5 12H5M19 12h2.5M5.3 5.3 7 7M17 17l1.7 1.7M5.3 18.7 7 17M17 7l1.7-1.7',
  ],
  dark: ['M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z'],
  system: ['M3.5 5h17v11h-17z', 'M9 20h6M12 16v4'],
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {PATHS[name].map((path) => (
        <path key={path} d={path} />
      ))}
    </svg>
  );
}
