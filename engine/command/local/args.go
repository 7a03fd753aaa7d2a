// Package local runs commands on the machine that the engine runs on: the resource Command and the function run, with the inputs and
// outputs of the package's SDK.
package local

import (
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Args say how a command is run.
type Args struct {
	// Interpreter is the program that gets the command as its last argument; by default ["/bin/sh", "-c"].
	Interpreter []string `pulumi:"interpreter,optional"`
	// Dir is where it runs; by default the program's directory.
	Dir *string `pulumi:"dir,optional"`
	// Environment is added to the environment of the engine.
	Environment map[string]string `pulumi:"environment,optional"`
	Stdin       *string           `pulumi:"stdin,optional"`
	// Logging says what of the output is shown as progress; by default all of it.
	Logging *Logging `pulumi:"logging,optional"`
	// AddPreviousOutputInEnv hands what the last run printed to the next, as PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR; by default true.
	AddPreviousOutputInEnv *bool `pulumi:"addPreviousOutputInEnv,optional"`
	// AssetPaths and ArchivePaths are globs of the files to return, seen from Dir; "!glob" takes files back out.
	AssetPaths   []string `pulumi:"assetPaths,optional"`
	ArchivePaths []string `pulumi:"archivePaths,optional"`
}

// Results are what a run leaves behind.
type Results struct {
	Stdout  string                          `pulumi:"stdout"`
	Stderr  string                          `pulumi:"stderr"`
	Assets  map[string]types.AssetOrArchive `pulumi:"assets,optional"`
	Archive *resource.Archive               `pulumi:"archive,optional"`
}

// Logging is which of a command's outputs are shown as progress.
type Logging string

const (
	logStdout          Logging = "stdout"
	logStderr          Logging = "stderr"
	logStdoutAndStderr Logging = "stdoutAndStderr"
	logNone            Logging = "none"
)

// Values lists what the SDK allows.
func (Logging) Values() []infer.EnumValue[Logging] {
	return []infer.EnumValue[Logging]{
		{Name: "Stdout", Value: logStdout, Description: "Show stdout"},
		{Name: "Stderr", Value: logStderr, Description: "Show stderr"},
		{Name: "StdoutAndStderr", Value: logStdoutAndStderr, Description: "Show stdout and stderr"},
		{Name: "None", Value: logNone, Description: "Show nothing"},
	}
}

func (a Args) shows(output Logging) bool {
	return a.Logging == nil || *a.Logging == logStdoutAndStderr || *a.Logging == output
}
