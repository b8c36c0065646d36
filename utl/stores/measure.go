package stores

import (
	"context"
	"math"
	"time"

	"glassjar/utl/metrics"
	"glassjar/utl/server"
)

// ServeMetrics returns the program's metrics, and a job that serves them at METRICS_ADDR: nil,
// and a job that does nothing, if that is not set. drops returns how many log lines were
// dropped. Errors: that of server.Beside.
func (s *Stores) ServeMetrics(ctx context.Context, build metrics.Build, drops func() uint64) (*metrics.Metrics, server.Job, error) {
	if s.Config.MetricsAddr == "" {
		return nil, func(context.Context) {}, nil
	}
	m := metrics.New(build, s.Accounts.Now)
	s.measure(m, drops)
	job, err := server.Beside(ctx, s.Config.MetricsAddr, m.Handler(s.Config.Profiles()), s.Log)
	return m, job, err
}

// measure exports the state of the stores as metrics, and has m observe the waits for a
// hash. drops returns how many log lines were dropped.
func (s *Stores) measure(m *metrics.Metrics, drops func() uint64) {
	s.Accounts.Hasher.OnWait = m.Wait
	m.Gauge("glassjar_hash_queue", "Passwords that wait to be hashed.", func() float64 { return float64(s.Accounts.Hasher.Waiting()) })
	m.Gauge("glassjar_sessions_cached", "Live sessions in memory.", func() float64 { return float64(s.Sessions.Measures().Cached) })
	m.Counter("glassjar_session_loads_total", "Sessions read from the database because memory did not know them; all other requests with a cookie were answered from memory.",
		func() float64 { return float64(s.Sessions.Measures().Loads) })
	m.Gauge("glassjar_poll_age_seconds", "Seconds since the last successful poll for ended sessions started; from 10 on, the cache in memory is not used.",
		func() float64 { return age(s.Sessions.Measures().PollAge) })
	m.Counter("glassjar_db_errors_total", "Uses of the database that failed because it could not answer.", func() float64 { return float64(s.DB.Failures()) })
	m.Counter("glassjar_log_lines_dropped_total", "Log lines dropped because the log's output was too slow.", func() float64 { return float64(drops()) })
	m.Gauge("glassjar_mail_queue", "Mails that wait to be sent; NaN if the database is unavailable.", s.mailsWaiting)
}

// age returns d in seconds, or infinity before the first poll.
func age(d time.Duration) float64 {
	if d < 0 {
		return math.Inf(1)
	}
	return d.Seconds()
}

func (s *Stores) mailsWaiting() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n, err := s.Mail.Waiting(ctx)
	if err != nil {
		return math.NaN()
	}
	return float64(n)
}
