package password_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"glassjar/utl/password"
)

// stuck is a Hasher whose hashes run until the test lets one finish. Its
// methods are called inside a synctest bubble.
type stuck struct {
	*password.Hasher
	began   chan struct{} // one value a hash that began
	finish  chan struct{} // one value lets one hash finish
	results chan error    // one value a Hash that returned
}

func newStuck(workers, line int) stuck {
	s := stuck{
		Hasher:  password.NewHasher(tiny, workers, line),
		began:   make(chan struct{}, 1000),
		finish:  make(chan struct{}),
		results: make(chan error, 1000),
	}
	s.SetKeyFunc(func(_, _ []byte, _, _ uint32, _ uint8, keyLen uint32) []byte {
		s.began <- struct{}{}
		<-s.finish
		return make([]byte, keyLen)
	})
	return s
}

// ask starts n calls of Hash and returns when each hashes, waits or is back.
func (s stuck) ask(ctx context.Context, n int) {
	for range n {
		go func() {
			_, err := s.Hash(ctx, good)
			s.results <- err
		}()
	}
	synctest.Wait()
}

// let lets n hashes finish, one after the other.
func (s stuck) let(n int) {
	for range n {
		s.finish <- struct{}{}
		synctest.Wait()
	}
}

// want checks how many hashes began, and how many calls came back how.
func (s stuck) want(t *testing.T, began, done, busy, canceled int) {
	t.Helper()
	var gotDone, gotBusy, gotCanceled int
	for range len(s.results) {
		switch err := <-s.results; {
		case err == nil:
			gotDone++
		case errors.Is(err, password.ErrBusy):
			gotBusy++
		case errors.Is(err, context.Canceled):
			gotCanceled++
		default:
			t.Errorf("unexpected error: %v", err)
		}
	}
	if len(s.began) != began || gotDone != done || gotBusy != busy || gotCanceled != canceled {
		t.Errorf("began, done, busy, canceled: got %d, %d, %d, %d, want %d, %d, %d, %d",
			len(s.began), gotDone, gotBusy, gotCanceled, began, done, busy, canceled)
	}
}

// Attack passwords/many-at-once: 200 sign-ins at once hold the memory of two.
func TestBeyondWorkersAndLineIsBusyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck(2, password.Line)
		s.ask(t.Context(), 200)
		s.want(t, 2, 0, 200-2-16, 0) // two hash, sixteen wait
		if _, err := s.Verify(t.Context(), "", good); !errors.Is(err, password.ErrBusy) {
			t.Errorf("Verify = %v, want ErrBusy", err)
		}
		if err := s.Dummy(t.Context(), good); !errors.Is(err, password.ErrBusy) {
			t.Errorf("Dummy = %v, want ErrBusy", err)
		}

		s.let(1) // one leaves, one of the line begins, one place is free
		s.want(t, 3, 1, 0, 0)
		s.ask(t.Context(), 2)
		s.want(t, 3, 0, 1, 0)

		s.let(2 + 16)
		s.want(t, 2+16+2-1, 2+16, 0, 0)
		s.ask(t.Context(), 2) // all is as at the start
		s.want(t, 2+16+2-1+2, 0, 0, 0)
		s.let(2)
	})
}

func TestACanceledWaiterLeavesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck(1, 2)
		s.ask(t.Context(), 1)
		ctx, cancel := context.WithCancel(t.Context())
		s.ask(ctx, 2)
		s.ask(t.Context(), 1)
		s.want(t, 1, 0, 1, 0) // one hashes, two wait, the line is full

		cancel()
		synctest.Wait()
		s.want(t, 1, 0, 0, 2)
		s.ask(t.Context(), 3)
		s.want(t, 1, 0, 1, 0) // both places were free again

		s.let(3)
		s.want(t, 3, 3, 0, 0) // the canceled never began
	})
}

func TestNobodyHashesForARequestThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck(1, 0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 { // a free worker and an ended ctx: select picks either
			s.ask(ctx, 1)
		}
		s.want(t, 0, 0, 0, 100)
		s.ask(t.Context(), 1)
		s.let(1)
		s.want(t, 1, 1, 0, 0)
	})
}

func TestAPanicInAHashFreesItsWorker(t *testing.T) {
	h := password.NewHasher(tiny, 1, 0)
	h.SetKeyFunc(func([]byte, []byte, uint32, uint32, uint8, uint32) []byte { panic("broken") })
	func() {
		defer func() { _ = recover() }()
		_ = h.Dummy(t.Context(), good)
	}()
	h.SetKeyFunc(password.Argon2id)
	if err := h.Dummy(t.Context(), good); !errors.Is(err, password.ErrWrong) {
		t.Errorf("Dummy = %v, want ErrWrong", err)
	}
}

func TestAHasherHasAtLeastOneWorker(t *testing.T) {
	if err := password.NewHasher(tiny, 0, 0).Dummy(t.Context(), good); !errors.Is(err, password.ErrWrong) {
		t.Errorf("Dummy = %v, want ErrWrong", err)
	}
}

func TestBusyWhenTheLineIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck(1, 2)
		for taken := range 3 {
			if s.Busy() {
				t.Errorf("busy with %d of 3 places taken", taken)
			}
			s.ask(t.Context(), 1)
		}
		if !s.Busy() {
			t.Error("not busy with every place taken")
		}
		s.let(3)
	})
}
