package server

import "runtime"

// TwoProcessors sets GOMAXPROCS to at least 2, unless the environment has it: with 1,
// hashing a password delays every request by 40 ms. back undoes it.
func TwoProcessors(getenv func(string) string) (back func()) {
	was := runtime.GOMAXPROCS(0)
	if was == 1 && getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2)
	}
	return func() { runtime.GOMAXPROCS(was) }
}
