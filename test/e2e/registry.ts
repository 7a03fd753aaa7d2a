import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { ImageName } from "../../contract/names.ts";
import { execa } from "./execa.ts";
import { dockerHost, freePort, staticBusybox } from "./harness.ts";

/** The two forms of a manifest that names an image for each platform. */
export type IndexType =
  | "application/vnd.oci.image.index.v1+json"
  | "application/vnd.docker.distribution.manifest.list.v2+json";

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A registry with a password, over TLS with a CA of its own, on this machine; its data lasts until `dispose`. */
export class TestRegistry {
  readonly namespace = `e2e-${randomBytes(4).toString("hex")}`;
  readonly username = "reader";
  readonly password = `canary${randomBytes(12).toString("hex")}`;
  /** `localhost:<port>`, which the daemon trusts; the engine needs `caBundle`. */
  readonly server: string;
  /** File with the CAs of the system and the registry's: for SSL_CERT_FILE. */
  readonly caBundle: string;
  private readonly directory = mkdtempSync(join(tmpdir(), "factory-registry-"));
  private process: ChildProcess | undefined;

  private constructor(port: number) {
    this.server = `localhost:${port}`;
    this.caBundle = join(this.directory, "bundle.crt");
  }

  /** A directory for DOCKER_CONFIG that is logged in here. */
  get dockerConfig(): string {
    return join(this.directory, "docker");
  }

  /** `user:password` */
  get login(): string {
    return `${this.username}:${this.password}`;
  }

  /** For `localhost` on any port, with its key; `caBundle` trusts it. */
  get certificate(): { cert: string; key: string } {
    const read = (name: string) => readFileSync(join(this.directory, name), "utf8");
    return { cert: read("crt"), key: read("key") };
  }

  static async start(): Promise<TestRegistry> {
    const registry = new TestRegistry(await freePort());
    await registry.prepare();
    await registry.restart();
    return registry;
  }

  /**
   * Builds the image that reports `version`, and pushes it; the daemon does not keep it. Returns its digest.
   * @param behaviour what fixtures/versioned/start knows
   * @param change of its Dockerfile
   */
  async push(
    image: ImageName,
    version: string,
    revision = "1",
    { behaviour = "ok", change = (text: string) => text } = {},
  ): Promise<string> {
    const context = join(this.directory, "images");
    const reference = `${this.server}/${this.namespace}/${image}:${version}`;
    const dockerfile = join(this.directory, "Dockerfile");
    writeFileSync(dockerfile, change(readFileSync(join(context, "docker", image, "Dockerfile"), "utf8")));
    const values = Object.entries({ VERSION: version, REVISION: revision, BEHAVIOUR: behaviour });
    const args = values.map(([name, value]) => `--build-arg=${name}=${value}`);
    const options = ["--quiet", "--no-cache", "--force-rm", `--file=${dockerfile}`, `--tag=${reference}`];
    await this.docker("build", ...options, ...args, context);
    const said = await this.docker("push", reference);
    await this.docker("rmi", reference);
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(said)?.[1];
    if (digest === undefined) throw new Error(`the push of ${reference} names no digest:\n${said}`);
    return digest;
  }

  /** Pushes revision 1 for this machine's platform and revision 2 for another, under one tag. Returns its digest. */
  async pushIndex(image: ImageName, version: string, mediaType: IndexType): Promise<string> {
    const own = process.arch === "arm64" ? "arm64" : "amd64";
    const other = own === "arm64" ? "amd64" : "arm64";
    const manifests = [
      await this.descriptor(image, await this.push(image, version, "2"), other),
      await this.descriptor(image, await this.push(image, version, "1"), own),
    ];
    const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
    const headers = { "content-type": mediaType };
    const put = await this.ask(this.manifestPath(image, version), { method: "PUT", headers, auth: this.login }, index);
    if (put.status !== 201) throw new Error(`the registry answers ${put.status} to an index: ${put.body}`);
    return String(put.headers["docker-content-digest"]);
  }

  /** Whoever asks gets "connection refused" until `restart`. */
  async stop(): Promise<void> {
    const running = this.process;
    this.process = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await ended;
  }

  /** On the same port, with the same data. */
  async restart(): Promise<void> {
    await this.stop();
    this.process = spawn("docker-registry", ["serve", join(this.directory, "config.yml")], { stdio: "ignore" });
    const deadline = Date.now() + 120_000;
    while (!(await this.answers())) {
      if (Date.now() > deadline) throw new Error(`the registry does not answer at ${this.server}`);
      await sleep(100);
    }
  }

  /** Ends the registry; removes its data, and its images from the daemon: no container may run one by then. */
  async dispose(): Promise<void> {
    await this.stop();
    const images = await this.docker("images", "--no-trunc", "--format={{.ID}} {{.Repository}}");
    const own = images.split("\n").filter((image) => image.includes(`/${this.namespace}/`));
    if (own.length > 0) await this.docker("rmi", "--force", ...new Set(own.map((image) => image.split(" ")[0] ?? "")));
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async prepare(): Promise<void> {
    const inside = (name: string) => join(this.directory, name);
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    await execa("openssl", [
      "req",
      "-x509",
      "-days=2",
      ...key,
      ...subject,
      "-keyout",
      inside("key"),
      "-out",
      inside("crt"),
    ]);
    const system = readFileSync("/etc/ssl/certs/ca-certificates.crt", "utf8");
    writeFileSync(this.caBundle, `${system}\n${readFileSync(inside("crt"), "utf8")}`);
    const { stdout } = await execa("htpasswd", ["-niB", this.username], { input: this.password });
    writeFileSync(inside("htpasswd"), `${stdout.trim()}\n`);
    const auth = Buffer.from(this.login).toString("base64");
    mkdirSync(inside("docker"));
    writeFileSync(inside("docker/config.json"), JSON.stringify({ auths: { [this.server]: { auth } } }));
    const config = {
      version: 0.1,
      storage: { filesystem: { rootdirectory: inside("data") }, delete: { enabled: true } },
      http: { addr: this.server, tls: { certificate: inside("crt"), key: inside("key") } },
      auth: { htpasswd: { realm: "test", path: inside("htpasswd") } },
    };
    writeFileSync(inside("config.yml"), JSON.stringify(config));
    cpSync(join(import.meta.dirname, "fixtures/versioned"), inside("images"), { recursive: true });
    cpSync(staticBusybox(), inside("images/busybox"));
  }

  /** Whether it listens, and wants a password. */
  private async answers(): Promise<boolean> {
    return this.ask("").then(
      ({ status }) => status === 401,
      () => false,
    );
  }

  private async descriptor(image: ImageName, digest: string, architecture: string) {
    const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
    const asking = { headers: { accept: mediaType }, auth: this.login };
    const { body } = await this.ask(this.manifestPath(image, digest), asking);
    return { mediaType, digest, size: Buffer.byteLength(body), platform: { architecture, os: "linux" } };
  }

  private manifestPath(image: ImageName, reference: string): string {
    return `${this.namespace}/${image}/manifests/${reference}`;
  }

  private async ask(path: string, options: RequestOptions = {}, body?: string): Promise<Answer> {
    const asking = request(`https://${this.server}/v2/${path}`, {
      ca: this.certificate.cert,
      agent: false,
      ...options,
    });
    asking.end(body);
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  }

  private async docker(...args: string[]): Promise<string> {
    const env = { DOCKER_HOST: dockerHost, DOCKER_CONFIG: this.dockerConfig, DOCKER_BUILDKIT: "0" };
    return (await execa("docker", args, { env })).stdout;
  }
}
