import { Factory } from "./components/factory.ts";
import { dockerLogin, loadConfig } from "./config/load.ts";

const config = loadConfig();
const factory = new Factory("factory", { ...config, dockerLogin: dockerLogin() });

export const factoryName = config.factoryName;
export const imageIds = factory.imageIds;
