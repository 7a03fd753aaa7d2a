package local

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gobwas/glob"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// collectFiles fills in the assets and the archive that the arguments ask for.
func collectFiles(results *Results, dir string, args Args) error {
	if dir == "" {
		dir = "."
	}
	if args.AssetPaths != nil {
		found, err := match(dir, args.AssetPaths)
		if err != nil {
			return fmt.Errorf("assetPaths: %w", err)
		}
		results.Assets = map[string]types.AssetOrArchive{}
		for name, asset := range found {
			results.Assets[name] = types.AssetOrArchive{Asset: asset}
		}
	}
	if args.ArchivePaths != nil {
		found, err := match(dir, args.ArchivePaths)
		if err != nil {
			return fmt.Errorf("archivePaths: %w", err)
		}
		members := map[string]any{}
		for name, asset := range found {
			members[name] = asset
		}
		results.Archive, err = resource.NewAssetArchive(members)
		return err
	}
	return nil
}

// match returns the files below a directory that the globs name, by their slash-separated path. The last glob that fits a file decides.
func match(dir string, globs []string) (map[string]*resource.Asset, error) {
	type rule struct {
		pattern glob.Glob
		keep    bool
	}
	rules := make([]rule, 0, len(globs))
	for _, pattern := range globs {
		included := strings.TrimPrefix(pattern, "!")
		compiled, err := glob.Compile(included, '/')
		if err != nil {
			return nil, fmt.Errorf("%q: %w", pattern, err)
		}
		rules = append(rules, rule{pattern: compiled, keep: included == pattern})
	}
	found := map[string]*resource.Asset{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, file fs.DirEntry, err error) error {
		if err != nil || file.IsDir() {
			return err
		}
		keep := false
		for _, rule := range rules {
			if rule.pattern.Match(name) {
				keep = rule.keep
			}
		}
		if !keep {
			return nil
		}
		found[name], err = resource.NewPathAsset(filepath.Join(dir, filepath.FromSlash(name)))
		return err
	})
	return found, err
}
