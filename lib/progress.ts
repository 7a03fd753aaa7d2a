import { styleText } from "node:util";
import {
  DefaultRenderer,
  LISTR_LOGGER_STYLE,
  Listr,
  ListrDefaultRendererLogLevels,
  ListrLogger,
  ListrLogLevels,
  PRESET_TIMER,
  ProcessOutput,
  parseTimer,
  VerboseRenderer,
} from "listr2";

/** How a running step tells what it is doing. */
export interface Report {
  /** A fact worth keeping: one line. */
  line(text: string): void;
  /** Where the work is now: shown below the step on a terminal until something else is, not at all elsewhere. */
  now(text: string): void;
}

/** Shows what is done, why, and how long it took. */
export interface Progress {
  /** Runs `work` as a step named `what` (an imperative), for the reason `why`. */
  step<T>(what: string, why: string, work: (report: Report) => Promise<T>): Promise<T>;
  /** Says that `what` needs nothing; shown only when asked for. */
  ready(what: string, detail: string): void;
}

export interface ProgressOptions {
  /** Where everything goes; a terminal gets colours unless NO_COLOR is set. @default process.stderr */
  stream?: NodeJS.WriteStream;
  /** Show also what was ready already. @default false */
  showReady?: boolean;
}

// listr2 itself asks stdout whether there is a terminal.
class LiveRenderer extends DefaultRenderer {
  static override nonTTY = true;
}

// listr2 itself takes the streams away from everybody else, also from what shows the cursor again after Ctrl-C.
class SharedOutput extends ProcessOutput {
  override hijack(): void {}
  override release(): void {}
}

/** Progress on a stream: a live display on a terminal, plain lines elsewhere. */
export function createProgress({ stream = process.stderr, showReady = false }: ProgressOptions = {}): Progress {
  const live = stream.isTTY === true && process.env.TERM !== "dumb";
  const paint = (style: Style) => (text?: string) => styleText(style, text ?? "", { stream });
  const dim = paint("dim");
  const options = rendererOptions(stream, paint);

  return {
    ready: (what, detail) => {
      if (showReady) options.plain.logger.log(ListrLogLevels.COMPLETED, `${what}: ${dim(detail)}`);
    },
    step: async <T>(what: string, why: string, work: (report: Report) => Promise<T>) => {
      const title = `${what} ${dim(`(${why})`)}`;
      const started = performance.now();
      let working!: Promise<T>;
      const list = new Listr(
        {
          title,
          rendererOptions: { persistentOutput: true },
          task: async (_, task) => {
            const { report, finish } = reportTo(task, live);
            working = work(report);
            try {
              await working;
            } catch {
              throw new Error(`${title} ${dim(`[failed after ${parseTimer(performance.now() - started)}]`)}`);
            } finally {
              finish();
            }
          },
        },
        {
          exitOnError: false,
          // The signal ends this process and its children as it does anywhere; listr2 would exit with 127.
          registerSignalListeners: false,
          renderer: LiveRenderer,
          rendererOptions: options.live,
          fallbackRenderer: VerboseRenderer,
          fallbackRendererOptions: options.plain,
          fallbackRendererCondition: !live,
        },
      );
      await list.run();
      return working;
    },
  };
}

type Style = "green" | "red" | "yellow" | "dim";

// The colours of listr2, with one difference: it asks stdout whether there are any.
function rendererOptions(stream: NodeJS.WriteStream, paint: (style: Style) => (text?: string) => string) {
  const processOutput = new SharedOutput(stream, stream);
  const timer = { ...PRESET_TIMER, format: () => paint("dim") };
  const plain = {
    [ListrLogLevels.STARTED]: paint("yellow"),
    [ListrLogLevels.COMPLETED]: paint("green"),
    [ListrLogLevels.FAILED]: paint("red"),
  };
  const live = {
    [ListrDefaultRendererLogLevels.PENDING]: paint("yellow"),
    [ListrDefaultRendererLogLevels.COMPLETED]: paint("green"),
    [ListrDefaultRendererLogLevels.FAILED]: paint("red"),
  };
  return {
    live: { timer, color: live, logger: new ListrLogger<ListrDefaultRendererLogLevels>({ processOutput }) },
    plain: {
      timer,
      color: plain,
      logger: new ListrLogger({ processOutput, icon: LISTR_LOGGER_STYLE.icon, color: plain }),
    },
  };
}

// A task of listr2 has one output. On a terminal it is replaced as a whole, elsewhere whatever it is set to is printed.
function reportTo(task: { output: string }, live: boolean): { report: Report; finish: () => void } {
  if (!live) return { report: { line: (text) => (task.output = text), now: () => undefined }, finish: () => undefined };
  const kept: string[] = [];
  const show = (...more: string[]) => {
    task.output = [...kept, ...more].join("\n");
  };
  const line = (text: string) => {
    kept.push(text);
    show();
  };
  return { report: { line, now: show }, finish: show };
}
