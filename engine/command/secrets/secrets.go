// Package secrets keeps what a program marked as secret out of messages. The marks are on a request's properties and are gone once
// those are decoded, so the secret texts travel beside them, in the request's context.
//
// The engine takes the marks off before it calls a function. There, all of `environment` and `stdin` counts as secret.
package secrets

import (
	"context"
	"sort"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

const (
	mask = "[secret]"
	// minUnmarked is the length from which a text without a mark counts as secret: shorter ones are flags and numbers.
	minUnmarked = 6
)

type key struct{}

// Remember wraps a provider: each operation that may run a command gets the secrets of its request in its context.
func Remember(provider p.Provider) p.Provider {
	wrapped := provider
	wrapped.Create = func(ctx context.Context, req p.CreateRequest) (p.CreateResponse, error) {
		return provider.Create(with(ctx, req.Properties), req)
	}
	wrapped.Update = func(ctx context.Context, req p.UpdateRequest) (p.UpdateResponse, error) {
		return provider.Update(with(ctx, req.Inputs, req.State), req)
	}
	wrapped.Delete = func(ctx context.Context, req p.DeleteRequest) error {
		return provider.Delete(with(ctx, req.Properties, req.OldInputs), req)
	}
	wrapped.Invoke = func(ctx context.Context, req p.InvokeRequest) (p.InvokeResponse, error) {
		given := property.NewMap(map[string]property.Value{
			"environment": req.Args.Get("environment").WithSecret(true),
			"stdin":       req.Args.Get("stdin").WithSecret(true),
		})
		return provider.Invoke(withAtLeast(ctx, minUnmarked, given), req)
	}
	return wrapped
}

// Redactor returns a function that masks the secrets of the context's request, line by line.
func Redactor(ctx context.Context) func(string) string {
	parts, _ := ctx.Value(key{}).([]string)
	pairs := make([]string, 0, 2*len(parts))
	for _, part := range parts {
		pairs = append(pairs, part, mask)
	}
	return strings.NewReplacer(pairs...).Replace
}

func with(ctx context.Context, requests ...property.Map) context.Context {
	return withAtLeast(ctx, 1, requests...)
}

// withAtLeast remembers the lines of all secret texts that are at least so long.
func withAtLeast(ctx context.Context, length int, requests ...property.Map) context.Context {
	var texts, parts []string
	for _, request := range requests {
		collect(property.New(request), false, &texts)
	}
	for _, text := range texts {
		for _, line := range strings.Split(text, "\n") {
			if line = strings.TrimSpace(line); len(line) >= length {
				parts = append(parts, line)
			}
		}
	}
	// The longest first, so that a secret that begins with another is masked whole.
	sort.Slice(parts, func(i, j int) bool { return len(parts[i]) > len(parts[j]) })
	return context.WithValue(ctx, key{}, parts)
}

func collect(v property.Value, secret bool, texts *[]string) {
	secret = secret || v.Secret()
	switch {
	case v.IsMap():
		for _, value := range v.AsMap().All {
			collect(value, secret, texts)
		}
	case v.IsArray():
		for _, value := range v.AsArray().All {
			collect(value, secret, texts)
		}
	case v.IsString() && secret:
		*texts = append(*texts, v.AsString())
	}
}
