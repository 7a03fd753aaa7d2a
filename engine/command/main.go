// Command pulumi-resource-command is a Pulumi resource plugin: local commands as resources, and as a function.
package main

import (
	"context"
	"fmt"
	"os"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/middleware/schema"

	"engine/command/local"
	"engine/command/secrets"
)

// version is what the plugin reports to the engine; the build stamps it (see ../build.json).
var version = "1.2.1+dev"

func main() {
	if err := p.RunProvider(context.Background(), "command", version, newProvider()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// newProvider serves command:local:Command and command:local:run. A type's token is its Go package and name.
func newProvider() p.Provider {
	return secrets.Remember(infer.Provider(infer.Options{
		Metadata:  schema.Metadata{Description: "Local commands as part of a Pulumi program"},
		Resources: []infer.InferredResource{infer.Resource(&local.Command{})},
		Functions: []infer.InferredFunction{infer.Function(&local.Run{})},
	}))
}
