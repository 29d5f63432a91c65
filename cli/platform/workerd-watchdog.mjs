// Outlives the edge process by a moment: when that one is killed, workerd would stay and keep the port.
// Reads "+PID", "-PID" lines; at the end of its input it kills every PID that was not taken back.

const alive = new Set();
let unread = '';

process.stdin.setEncoding('utf8').on('data', (text) => {
  unread += text;
  const lines = unread.split('\n');
  unread = lines.pop() ?? '';
  for (const line of lines) {
    const pid = Number(line.slice(1));
    if (!Number.isInteger(pid) || pid <= 1) continue;
    if (line.startsWith('+')) alive.add(pid);
    else alive.delete(pid);
  }
});

process.stdin.on('close', () => {
  for (const pid of alive) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
});

// A Ctrl-C in the terminal is for the edge; this one ends when the edge has ended.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
