package local

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Command is a resource that runs a command when it is created, changed and deleted.
type Command struct{}

// CommandArgs are the inputs of a Command. Each command is optional; without Update, Create runs again when an input changes.
type CommandArgs struct {
	Create   *string `pulumi:"create,optional"`
	Update   *string `pulumi:"update,optional"`
	Delete   *string `pulumi:"delete,optional"`
	Triggers []any   `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Args
}

// CommandState is what the engine stores.
type CommandState struct {
	CommandArgs
	Results
}

// Create runs the create command; a preview runs nothing. A command that fails leaves no resource behind.
func (*Command) Create(
	ctx context.Context, req infer.CreateRequest[CommandArgs],
) (infer.CreateResponse[CommandState], error) {
	state := CommandState{CommandArgs: req.Inputs}
	id, err := resource.NewUniqueHex(req.Name, 8, 0)
	if err == nil && !req.DryRun {
		state.Results, err = runOptional(ctx, req.Inputs.Create, req.Inputs.Args, state.Results)
	}
	return infer.CreateResponse[CommandState]{ID: id, Output: state}, err
}

// Update runs the update command, or else the create command.
func (*Command) Update(
	ctx context.Context, req infer.UpdateRequest[CommandArgs, CommandState],
) (infer.UpdateResponse[CommandState], error) {
	state := CommandState{CommandArgs: req.Inputs, Results: req.State.Results}
	command := req.Inputs.Update
	if command == nil {
		command = req.Inputs.Create
	}
	var err error
	if !req.DryRun {
		state.Results, err = runOptional(ctx, command, req.Inputs.Args, state.Results)
	}
	return infer.UpdateResponse[CommandState]{Output: state}, err
}

// Delete runs the delete command that is stored in the state, with the environment stored there.
func (*Command) Delete(ctx context.Context, req infer.DeleteRequest[CommandState]) (infer.DeleteResponse, error) {
	_, err := runOptional(ctx, req.State.Delete, req.State.Args, req.State.Results)
	return infer.DeleteResponse{}, err
}

func runOptional(ctx context.Context, command *string, args Args, previous Results) (Results, error) {
	if command == nil {
		return previous, nil
	}
	return run(ctx, *command, args, previous)
}
