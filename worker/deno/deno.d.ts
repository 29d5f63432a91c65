// What the edge uses of Deno's own interface; the full declarations would bring globals that clash with DOM.

declare namespace Deno {
  type ServedRequest = { readonly remoteAddr: { readonly hostname: string } };
  type Server = { readonly addr: { readonly port: number }; shutdown(): Promise<void> };
  function serve(
    options: { port: number; hostname: string; onListen: () => void },
    handler: (request: Request, info: ServedRequest) => Response | Promise<Response>,
  ): Server;
  function upgradeWebSocket(
    request: Request,
    options?: { idleTimeout?: number },
  ): {
    socket: WebSocket;
    response: Response;
  };
  function addSignalListener(signal: 'SIGINT' | 'SIGTERM', listener: () => void): void;
  function exit(status: number): never;
  const env: { toObject(): Record<string, string> };
}
