// npm start: installs, builds, founds the local commons and starts its edge and node. Needs nothing but Node.

const NODE_MAJOR_MIN = 20;

async function start() {
  const major = Number.parseInt(process.versions.node, 10);
  if (major < NODE_MAJOR_MIN) {
    console.error(
      `weft needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.versions.node}. Get it from https://nodejs.org/ and start again.`,
    );
    return 1;
  }
  // Only now: an old Node may not even read the file.
  const { ensureInstalled, runPinned } = await import('./run-pinned.mjs');
  console.log('1/4 Installing');
  await ensureInstalled((line) => console.log(`    ${line}`));
  // The channel tells the rest of the run when this process is gone, however it went.
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'];
  return await runPinned(['cli/start.ts', ...process.argv.slice(2)], { stdio });
}

start().then(
  (status) => (process.exitCode = status),
  (error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
