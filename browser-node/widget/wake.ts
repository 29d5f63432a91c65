// When the widgets of a page look again: once a minute while the page is visible, at once after it comes back, never while hidden.

/** DESIGN §7: an idle page does nothing more often. */
const MINUTE = 60_000;

type Task = () => void;

const tasks = new Set<Task>();
let timer: ReturnType<typeof setTimeout> | undefined;
let ranAt = 0;
let listening = false;

/** `task` from now on, until the returned function is called; all tasks of a page share one timer. It is not run at once. */
export function wakeEveryMinute(task: Task): () => void {
  if (!listening) {
    listening = true;
    document.addEventListener('visibilitychange', arm);
    addEventListener('online', run);
  }
  if (tasks.size === 0) ranAt = Date.now();
  tasks.add(task);
  arm();
  return () => {
    tasks.delete(task);
    arm();
  };
}

function arm(): void {
  clearTimeout(timer);
  if (document.hidden || tasks.size === 0) return;
  timer = setTimeout(run, Math.min(MINUTE, Math.max(0, ranAt + MINUTE - Date.now())));
}

function run(): void {
  if (document.hidden) return;
  ranAt = Date.now();
  for (const task of tasks) task();
  arm();
}
