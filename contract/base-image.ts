/** The local tag every image under docker/ starts from. */
export const baseImage = "disinto-base:trixie";

/** What the tag stands for where Docker Hub answers. */
export const baseImageSource = "debian:trixie-slim";
