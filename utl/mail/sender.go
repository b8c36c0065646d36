package mail

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	poll          = 5 * time.Second        // how often another server's mails are looked for
	settling      = 200 * time.Millisecond // in which the transaction that woke the sender commits
	maxPause      = 5 * time.Minute        // between tries of a mail server that is down
	maxRetryDelay = time.Hour              // between tries of one mail
)

// Sender sends what waits in the queue.
type Sender struct {
	Queue  *Queue
	Server Server
	// Link makes the link of a mail that is being sent. Errors: ErrNotDue, and
	// those of which the mail is tried again later.
	Link func(context.Context, Message) (Link, error)
	// Asked returns the mail for somebody who forgot a password. Errors: ErrNotDue,
	// and those of which it is tried again later.
	Asked func(context.Context, Asked) (Message, error)

	downs    int       // rounds in a row that the mail server ended
	paused   time.Time // no round before this
	unmarked *row      // sent, and not noted yet
}

// Run sends what is due, until ctx ends: at once what this process queues, and
// within seconds what others do. Without a mail server there is nothing to do.
func (s *Sender) Run(ctx context.Context) {
	if !s.Queue.Works() {
		return
	}
	for {
		if err := s.Send(ctx); err != nil && ctx.Err() == nil {
			s.Queue.Log.WarnContext(ctx, "mails wait", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(poll):
		case <-s.Queue.wake:
			select {
			case <-ctx.Done():
				return
			case <-time.After(settling):
			}
		}
	}
}

// Send looks up who forgot a password, and sends what is due now, unless the mail server was found down a moment
// ago. One caller at a time. Errors: db.ErrUnavailable, and why the mail server
// could not be used.
func (s *Sender) Send(ctx context.Context) error {
	if err := s.Queue.look(ctx, s.Asked); err != nil {
		return err
	}
	if s.Queue.Now().Before(s.paused) {
		return nil
	}
	c := &connection{}
	defer func() { c.close() }()
	for ctx.Err() == nil {
		if err := s.mark(ctx); err != nil {
			return err
		}
		due, err := s.Queue.due(ctx)
		if err != nil || len(due) == 0 {
			return err
		}
		for i := 0; i < len(due) && ctx.Err() == nil; i++ {
			if err := s.one(ctx, c, due[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// mark notes what was sent and could not be noted then: it must not be sent again.
func (s *Sender) mark(ctx context.Context) error {
	if s.unmarked == nil {
		return nil
	}
	if err := s.Queue.sent(ctx, *s.unmarked); err != nil {
		return err
	}
	s.unmarked = nil
	return nil
}

// one sends the mail, unless another server does. An error ends the round.
func (s *Sender) one(ctx context.Context, c *connection, m row) error {
	mine, err := s.Queue.claim(ctx, &m)
	if !mine || err != nil {
		return err
	}
	if s.Queue.Now().Sub(m.made) >= day {
		return s.giveUp(ctx, m, "")
	}
	if err := m.decode(); err != nil {
		return s.retry(ctx, m, err)
	}
	if err := s.connect(ctx, c); err != nil {
		return errors.Join(err, s.retry(ctx, m, err))
	}
	link, err := s.Link(ctx, m.Message)
	switch {
	case errors.Is(err, ErrNotDue):
		return s.Queue.forget(ctx, m)
	case err != nil:
		s.Queue.Log.WarnContext(ctx, "a mail has no link yet", "kind", string(m.Kind), "account_id", m.AccountID, "error", err)
		return s.retry(ctx, m, err)
	}
	return s.deliver(ctx, c, m, link)
}

// connect connects to the mail server, unless that is done. After an error the
// sender pauses, longer each time.
func (s *Sender) connect(ctx context.Context, c *connection) error {
	if c.smtp != nil {
		return nil
	}
	err := s.Server.connect(ctx, c)
	if err != nil {
		s.down()
		return fmt.Errorf("connecting to the mail server: %w", err)
	}
	return nil
}

func (s *Sender) down() {
	s.downs++
	s.paused = s.Queue.Now().Add(doubled(15*time.Second, s.downs, maxPause))
}

// deliver hands the mail over and notes what became of it. An error ends the
// round.
func (s *Sender) deliver(ctx context.Context, c *connection, m row, link Link) error {
	err := s.Server.deliver(c, m.id, m.To, s.Server.letter(m.Message, link))
	refused, final := isRefusal(err)
	switch {
	case err == nil:
		s.downs, s.unmarked = 0, &m
		return s.mark(ctx)
	case final:
		s.downs = 0
		return s.giveUp(ctx, m, reason(err))
	case refused:
		s.downs = 0
		return s.retry(ctx, m, err)
	case ctx.Err() == nil:
		s.down()
	}
	return errors.Join(fmt.Errorf("talking to the mail server: %w", err), s.retry(ctx, m, err))
}

// retry gives the mail back, for a time that doubles with each try.
func (s *Sender) retry(ctx context.Context, m row, err error) error {
	then := s.Queue.Now().Add(doubled(time.Minute, int(m.tries), maxRetryDelay))
	if ctx.Err() != nil { // it was the stop that failed it
		then = s.Queue.Now()
	}
	return s.Queue.later(ctx, m, then, reason(err))
}

func (s *Sender) giveUp(ctx context.Context, m row, why string) error {
	s.Queue.Log.WarnContext(ctx, "mail given up", "kind", string(m.Kind), "account_id", m.AccountID, "reason", why)
	return s.Queue.failed(ctx, m, why)
}

// doubled returns first, doubled with each n after 1, and most at most.
func doubled(first time.Duration, n int, most time.Duration) time.Duration {
	for ; n > 1 && first < most; n-- {
		first *= 2
	}
	return min(first, most)
}
