package local

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Run is a function that runs its command whenever the program does, in previews too.
type Run struct{}

// RunArgs are the inputs of the function.
type RunArgs struct {
	Command string `pulumi:"command"`
	Args
}

// RunResult repeats the inputs, as the SDK has it.
type RunResult struct {
	RunArgs
	Results
}

// Invoke runs the command. One that fails is an error.
func (*Run) Invoke(ctx context.Context, req infer.FunctionRequest[RunArgs]) (infer.FunctionResponse[RunResult], error) {
	results, err := run(ctx, req.Input.Command, req.Input.Args, Results{})
	return infer.FunctionResponse[RunResult]{Output: RunResult{RunArgs: req.Input, Results: results}}, err
}
