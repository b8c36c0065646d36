package mail

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	poll          = 5 * time.Second        // how often mails of other servers are looked for
	settling      = 200 * time.Millisecond // time for the transaction that woke the sender to commit
	maxPause      = 5 * time.Minute        // between attempts to reach a mail server that is down
	maxRetryDelay = time.Hour              // between attempts to send one mail
)

// Sender sends the mails in the queue.
type Sender struct {
	Queue  *Queue
	Server Server
	// Link creates the link of a mail that is about to be sent. After an error other than
	// ErrNotDue the mail is tried again later.
	Link func(context.Context, Message) (Link, error)
	// Asked returns the mail for a request for a new password. After an error other than
	// ErrNotDue the request is tried again later.
	Asked func(context.Context, Asked) (Message, error)

	downs    int       // consecutive failures to use the mail server
	paused   time.Time // nothing is sent before this time
	unmarked *row      // was sent, but could not be marked as sent yet
}

// Run sends mails until ctx ends: at once those that this process queues, and within
// seconds those of other servers. It returns at once if mail is not set up.
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

// Send processes requests for new passwords, and sends all mails that are due. It sends
// nothing for a while after the mail server was found to be down. It must not be called
// concurrently. Errors: db.ErrUnavailable, and the reason why the mail server could not
// be used.
func (s *Sender) Send(ctx context.Context) error {
	if err := s.Queue.processRequests(ctx, s.Asked); err != nil {
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

// mark marks the unmarked mail as sent. It runs before anything else is sent, so that no
// mail is sent twice.
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

// one sends the mail, unless another server has claimed it. After an error, Send stops.
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

// connect connects to the mail server, unless c is connected. After an error the sender
// pauses, longer each time.
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

// down starts a pause, which doubles with each consecutive failure of the mail server.
func (s *Sender) down() {
	s.downs++
	s.paused = s.Queue.Now().Add(doubled(15*time.Second, s.downs, maxPause))
}

// deliver sends the mail, and stores whether it was sent, refused or has to be tried
// again. After an error, Send stops.
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

// retry releases the mail for another attempt, after a delay that doubles each time.
func (s *Sender) retry(ctx context.Context, m row, err error) error {
	then := s.Queue.Now().Add(doubled(time.Minute, int(m.tries), maxRetryDelay))
	if ctx.Err() != nil { // it failed because the program stops
		then = s.Queue.Now()
	}
	return s.Queue.later(ctx, m, then, reason(err))
}

func (s *Sender) giveUp(ctx context.Context, m row, why string) error {
	s.Queue.Log.WarnContext(ctx, "mail given up", "kind", string(m.Kind), "account_id", m.AccountID, "reason", why)
	return s.Queue.failed(ctx, m, why)
}

// doubled returns first, doubled n-1 times, and at most most.
func doubled(first time.Duration, n int, most time.Duration) time.Duration {
	for ; n > 1 && first < most; n-- {
		first *= 2
	}
	return min(first, most)
}
