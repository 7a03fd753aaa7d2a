package image

import (
	"fmt"
	"sort"
	"strings"
)

// minSecret is the length from which a build argument is masked. The engine does not tell this plugin which arguments a program marked as
// secret, so all are; shorter ones are flags and versions, and masking them would make a build's output unreadable.
const minSecret = 6

// redactor returns a function that masks, in a line of output, the registry's password and the build arguments, each line of those
// that have several.
func redactor(in inputs) func(string) string {
	masks := map[string]string{}
	for name, value := range in.build.args {
		for _, line := range strings.Split(value, "\n") {
			if line = strings.TrimSpace(line); len(line) >= minSecret {
				masks[line] = fmt.Sprintf("[build.args.%s]", name)
			}
		}
	}
	if in.registry.password != "" {
		masks[in.registry.password] = "[registry.password]"
	}
	parts := make([]string, 0, len(masks))
	for part := range masks {
		parts = append(parts, part)
	}
	// The longest first, so that a value that begins with another is masked whole.
	sort.Slice(parts, func(i, j int) bool { return len(parts[i]) > len(parts[j]) })
	pairs := make([]string, 0, 2*len(parts))
	for _, part := range parts {
		pairs = append(pairs, part, masks[part])
	}
	return strings.NewReplacer(pairs...).Replace
}
