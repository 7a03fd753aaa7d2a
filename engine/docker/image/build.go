package image

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/docker/distribution/reference"
	"github.com/docker/docker/api/types"
)

// Daemon is what Image needs of the Docker API.
type Daemon interface {
	ImageBuild(context.Context, io.Reader, types.ImageBuildOptions) (types.ImageBuildResponse, error)
	ImageInspectWithRaw(context.Context, string) (types.ImageInspect, []byte, error)
	ImagePush(context.Context, string, types.ImagePushOptions) (io.ReadCloser, error)
	ImagePull(context.Context, string, types.ImagePullOptions) (io.ReadCloser, error)
}

// builder builds and pushes one Image.
type builder struct {
	daemon      Daemon
	credentials credentials
	redact      func(string) string
	report      func(line string)
}

// built is a finished image: its ID (sha256:...) and its platform (linux/amd64).
type built struct {
	id       string
	platform string
}

// build builds with the classic builder and tags the result. A failed build is an error with
// its last lines.
func (b *builder) build(ctx context.Context, in inputs) (built, error) {
	name, err := tagged(in.imageName)
	if err != nil {
		return built{}, err
	}
	files, err := openContext(in.build.context, in.build.dockerfile)
	if err != nil {
		return built{}, err
	}
	b.warmCache(ctx, in.build)
	archive := files.stream()
	defer archive.Close()
	answer, err := b.daemon.ImageBuild(ctx, archive, b.options(in.build, files.dockerfile, name))
	if err != nil {
		return built{}, fmt.Errorf("building %s: %s", name, b.redact(err.Error()))
	}
	defer answer.Body.Close()
	aux, err := b.follow(answer.Body)
	if err != nil {
		return built{}, fmt.Errorf("building %s: %w", name, err)
	}
	var result types.BuildResult
	if err := json.Unmarshal(aux, &result); err != nil || result.ID == "" {
		return built{}, fmt.Errorf("building %s: the daemon did not say which image it built", name)
	}
	image, _, err := b.daemon.ImageInspectWithRaw(ctx, result.ID)
	if err != nil {
		return built{}, fmt.Errorf("building %s: %w", name, err)
	}
	return built{id: image.ID, platform: platformOf(image)}, nil
}

func (b *builder) options(from build, dockerfile string, name reference.Named) types.ImageBuildOptions {
	args := map[string]*string{}
	for key, value := range from.args {
		args[key] = &value
	}
	return types.ImageBuildOptions{
		Version:     types.BuilderV1,
		Tags:        []string{name.String()},
		Dockerfile:  dockerfile,
		BuildArgs:   args,
		Target:      from.target,
		Platform:    from.platform,
		NetworkMode: from.network,
		ExtraHosts:  from.addHosts,
		CacheFrom:   from.cacheFrom,
		AuthConfigs: b.credentials.all(),
		Remove:      true,
		ForceRemove: true,
	}
}

// warmCache pulls the images that the build may take layers from. One that cannot be had only makes the build slower.
func (b *builder) warmCache(ctx context.Context, from build) {
	for _, image := range from.cacheFrom {
		if err := b.pull(ctx, image, from.platform); err != nil {
			b.report(fmt.Sprintf("cacheFrom %s: not used: %s", image, b.redact(err.Error())))
		}
	}
}

func (b *builder) pull(ctx context.Context, image, platform string) error {
	name, err := tagged(image)
	if err != nil {
		return err
	}
	auth, err := b.credentials.header(name)
	if err != nil {
		return err
	}
	answer, err := b.daemon.ImagePull(ctx, name.String(), types.ImagePullOptions{RegistryAuth: auth, Platform: platform})
	if err != nil {
		return err
	}
	defer answer.Close()
	_, err = b.follow(answer)
	return err
}

// push pushes the tag and returns the reference of what the registry took: name@sha256:...
func (b *builder) push(ctx context.Context, imageName string) (string, error) {
	name, err := tagged(imageName)
	if err != nil {
		return "", err
	}
	auth, err := b.credentials.header(name)
	if err != nil {
		return "", err
	}
	answer, err := b.daemon.ImagePush(ctx, name.String(), types.ImagePushOptions{RegistryAuth: auth})
	if err != nil {
		return "", fmt.Errorf("pushing %s: %s", name, b.redact(err.Error()))
	}
	defer answer.Close()
	aux, err := b.follow(answer)
	if err != nil {
		return "", fmt.Errorf("pushing %s: %w", name, err)
	}
	var result types.PushResult
	if err := json.Unmarshal(aux, &result); err != nil || result.Digest == "" {
		return "", fmt.Errorf("pushing %s: the daemon did not say which digest it pushed", name)
	}
	return reference.TrimNamed(name).String() + "@" + result.Digest, nil
}

func (b *builder) follow(answer io.Reader) (json.RawMessage, error) {
	p := progress{redact: b.redact, report: b.report}
	return p.follow(answer)
}

// tagged completes an image's name as the docker command does: Docker Hub's host, the tag "latest".
func tagged(imageName string) (reference.Named, error) {
	name, err := reference.ParseNormalizedNamed(imageName)
	if err != nil {
		return nil, fmt.Errorf("imageName %q: %w", imageName, err)
	}
	return reference.TagNameOnly(name), nil
}

func platformOf(image types.ImageInspect) string {
	platform := image.Os + "/" + image.Architecture
	if image.Variant != "" {
		platform += "/" + image.Variant
	}
	return platform
}
