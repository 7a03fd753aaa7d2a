import * as pulumi from "@pulumi/pulumi";
import { createDockerHost } from "./components/docker-host.ts";
import { Factory } from "./components/factory.ts";
import { dockerLogin, trustCertificateFile } from "./lib/machine.ts";
import { paths } from "./lib/paths.ts";
import { loadConfig } from "./program/load-config.ts";
import { refuseDockerContext } from "./program/refuse-docker-context.ts";
import { refuseUnsigned } from "./program/refuse-unsigned.ts";
import { refuseVolumeShadows } from "./program/refuse-volume-shadows.ts";
import { requireNetwork } from "./program/require-network.ts";
import { resolveDigests } from "./program/resolve-digests.ts";
import { endWithPulumi, keepStackTraces } from "./program/sdk.ts";

endWithPulumi();
keepStackTraces();
trustCertificateFile();
const config = loadConfig();
refuseDockerContext(config.dockerHost);
await requireNetwork(config, pulumi.getStack());
const host = createDockerHost("docker-host", { ...config, dockerLogin: dockerLogin() });
const images = await resolveDigests(config.images, host);
const around = { ...config, stack: pulumi.getStack(), dockerLogin: dockerLogin() };
await refuseUnsigned(images, { ...around, signatures: paths.signatures });
await refuseVolumeShadows(images, around);
const factory = new Factory("factory", { ...config, images }, { providers: { docker: host } });

export const factoryName = config.factoryName;
export const imageIds = factory.imageIds;
