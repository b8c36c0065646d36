package process

import (
	"context"
	"errors"
	"os/exec"
	"strings"
)

// result is the result of a command.
type result struct {
	stdout, stderr string
	code           int // -1: killed
}

// command runs a command in the folder with stdin, until it or ctx ends.
func command(ctx context.Context, folder, stdin string, args ...string) (result, error) {
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, binary, args...) // the end of ctx kills it (SIGKILL)
	cmd.Dir, cmd.Env = folder, environment([]string{"PUBLIC_URL=http://jar.example"})
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited && ctx.Err() == nil {
		return result{}, err
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}, nil
}

// must runs a command that must succeed, and returns its output.
func (p *program) must(stdin string, args ...string) string {
	p.t.Helper()
	r, err := command(context.Background(), p.folder, stdin, args...)
	if err != nil || r.code != 0 {
		p.t.Fatalf("glassjar %s: exit code %d, error %v: %s", strings.Join(args, " "), r.code, err, r.stderr)
	}
	return r.stdout
}

// owner creates an owner's account with the name and the password good.
func (p *program) owner(name string) {
	p.t.Helper()
	p.must(good+"\n", "user", "add", name, "--role", "owner", "--password-stdin")
}
