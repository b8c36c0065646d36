package dbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// programs returns the folder of PostgreSQL's programs; of several versions, the
// newest.
func programs() (string, error) {
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // on Debian they are not in the PATH
	if err != nil {
		return "", err
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 on errors, which sorts first
		return n
	}
	if len(all) > 0 {
		return filepath.Dir(slices.MaxFunc(all, func(a, b string) int { return version(a) - version(b) })), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", errMissing
	}
	path, err = filepath.EvalSymlinks(path) // the folder of the link's target has initdb
	return filepath.Dir(path), err
}

func (s *Server) start(bin string) error {
	as, err := owner(s.folder)
	if err != nil {
		return err
	}
	data := filepath.Join(s.folder, "data")
	s.again = func() (err error) {
		s.running, err = launch(bin, data, as, s.settings()...)
		return err
	}
	if err := s.install(bin, data, as); err != nil {
		return err
	}
	if err := s.again(); err != nil {
		return err
	}
	return s.connect()
}

// settings are those of a server whose data need not survive a crash.
func (s *Server) settings() []string {
	return []string{
		"listen_addresses=", "unix_socket_directories=" + s.folder, "max_connections=300", "shared_buffers=32MB",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "deadlock_timeout=100ms",
	}
}

func initdb(bin, data string, as *syscall.SysProcAttr) error {
	cmd := exec.CommandContext(context.Background(), filepath.Join(bin, "initdb"), "-D", data, "-U", "glassjar", // #nosec G204 -- our own
		"--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8")
	cmd.SysProcAttr, cmd.Dir = as, filepath.Dir(data)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// instance is a running PostgreSQL.
type instance struct {
	process *os.Process
	died    chan string // receives the reason when it has ended
}

// launch starts PostgreSQL on the data folder, with settings in the form name=value. Its
// shared memory is in that folder too: elsewhere a server that is killed leaves it.
func launch(bin, data string, as *syscall.SysProcAttr, settings ...string) (*instance, error) {
	var log bytes.Buffer
	args := []string{"-D", data, "-c", "dynamic_shared_memory_type=mmap"}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	server := exec.CommandContext(context.Background(), filepath.Join(bin, "postgres"), args...) // #nosec G204 -- our own
	server.SysProcAttr, server.Dir, server.Stderr = as, filepath.Dir(data), &log
	started, died := make(chan error, 1), make(chan string, 1)
	go func() { // Pdeathsig is sent when this thread ends, so it must live as long as the server
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := server.Start()
		started <- err
		if err == nil {
			err = server.Wait()
			died <- fmt.Sprintf("postgres ended: %v: %s", err, &log)
		}
	}()
	err := <-started
	return &instance{server.Process, died}, err
}

// signal sends the signal to every process of the server.
func (i *instance) signal(s syscall.Signal) error {
	return i.each(func(pid int) error { return syscall.Kill(pid, s) })
}

// each calls do for every process of the server, beginning with the main one.
func (i *instance) each(do func(pid int) error) error {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", i.process.Pid, i.process.Pid))
	if err != nil {
		return err
	}
	for pid := range strings.FieldsSeq(fmt.Sprint(i.process.Pid, " ", string(children))) {
		id, err := strconv.Atoi(pid)
		if err == nil {
			err = do(id)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// owner makes the user that PostgreSQL will run as the owner of the folder, and returns
// the attributes for starting a process as that user.
func owner(folder string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(folder, int(uid), int(gid))
}
