package password_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"glassjar/utl/password"
)

// blocked is a Hasher whose hashes run until the test lets one finish. Its
// methods are called inside a synctest bubble.
type blocked struct {
	*password.Hasher
	began   chan struct{} // receives one value per hash that began
	finish  chan struct{} // each value sent lets one hash finish
	results chan error    // receives the result of each call of Hash
}

func newBlocked(workers, line int) blocked {
	s := blocked{
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

// start starts n calls of Hash, and returns when each of them hashes, waits or has
// returned.
func (s blocked) start(ctx context.Context, n int) {
	for range n {
		go func() {
			_, err := s.Hash(ctx, good)
			s.results <- err
		}()
	}
	synctest.Wait()
}

// release lets n hashes finish, one after the other.
func (s blocked) release(n int) {
	for range n {
		s.finish <- struct{}{}
		synctest.Wait()
	}
}

// wantCounts fails the test unless this many hashes began and this many calls returned
// with each result since it was called last.
func (s blocked) wantCounts(t *testing.T, began, done, busy, canceled int) {
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

// Attack passwords/many-at-once: 200 concurrent sign-ins use the memory of two hashes.
func TestBeyondWorkersAndLineIsBusyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBlocked(2, password.QueueLen)
		s.start(t.Context(), 200)
		s.wantCounts(t, 2, 0, 200-2-16, 0) // two hash, sixteen wait
		if _, err := s.Verify(t.Context(), "", good); !errors.Is(err, password.ErrBusy) {
			t.Errorf("Verify = %v, want ErrBusy", err)
		}
		if err := s.Dummy(t.Context(), good); !errors.Is(err, password.ErrBusy) {
			t.Errorf("Dummy = %v, want ErrBusy", err)
		}

		s.release(1) // one call returns, a waiting one hashes, one place in the queue is free
		s.wantCounts(t, 3, 1, 0, 0)
		s.start(t.Context(), 2)
		s.wantCounts(t, 3, 0, 1, 0)

		s.release(2 + 16)
		s.wantCounts(t, 2+16+2-1, 2+16, 0, 0)
		s.start(t.Context(), 2) // both workers are free again
		s.wantCounts(t, 2+16+2-1+2, 0, 0, 0)
		s.release(2)
	})
}

func TestACanceledWaiterLeavesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBlocked(1, 2)
		s.start(t.Context(), 1)
		ctx, cancel := context.WithCancel(t.Context())
		s.start(ctx, 2)
		s.start(t.Context(), 1)
		s.wantCounts(t, 1, 0, 1, 0) // one hashes, two wait, the queue is full

		cancel()
		synctest.Wait()
		s.wantCounts(t, 1, 0, 0, 2)
		s.start(t.Context(), 3)
		s.wantCounts(t, 1, 0, 1, 0) // both places in the queue were free again

		s.release(3)
		s.wantCounts(t, 3, 3, 0, 0) // the canceled calls never hashed
	})
}

func TestNobodyHashesForARequestThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBlocked(1, 0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 { // a worker is free and ctx has ended: select could pick either
			s.start(ctx, 1)
		}
		s.wantCounts(t, 0, 0, 0, 100)
		s.start(t.Context(), 1)
		s.release(1)
		s.wantCounts(t, 1, 1, 0, 0)
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
		s := newBlocked(1, 2)
		for taken := range 3 {
			if s.Busy() {
				t.Errorf("busy with %d of 3 places taken", taken)
			}
			s.start(t.Context(), 1)
		}
		if !s.Busy() {
			t.Error("not busy with every place taken")
		}
		s.release(3)
	})
}

// HashIdle uses a worker only if one is free and no other call waits, and one call at a
// time.
func TestIdleHashesComeAfterAllOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBlocked(2, 2)
		idle := func() {
			go func() {
				_, err := s.HashIdle(good)
				s.results <- err
			}()
			synctest.Wait()
		}
		s.start(t.Context(), 2)
		idle()
		s.wantCounts(t, 2, 0, 1, 0) // both workers hash
		s.release(2)
		idle()
		s.wantCounts(t, 3, 2, 0, 0)
		idle()
		s.wantCounts(t, 3, 0, 1, 0) // a worker is free, but another idle hash runs
		s.start(t.Context(), 2)
		s.wantCounts(t, 4, 0, 0, 0) // the second waits
		s.release(1)
		s.wantCounts(t, 5, 1, 0, 0) // it got the worker that became free
		s.release(2)
	})
}
