import { createDockerHost } from "./components/docker-host.ts";
import { Factory } from "./components/factory.ts";
import { resolveDigests } from "./components/image-digests.ts";
import { dockerLogin, loadConfig } from "./config/load.ts";

const config = loadConfig();
const host = createDockerHost("docker-host", { ...config, dockerLogin: dockerLogin() });
const images = await resolveDigests(config.images, host);
const factory = new Factory("factory", { ...config, images }, { providers: { docker: host } });

export const factoryName = config.factoryName;
export const imageIds = factory.imageIds;
