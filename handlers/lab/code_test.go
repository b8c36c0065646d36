package lab_test

import (
	"encoding/base32"
	"fmt"
	"image"
	"image/color"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/anatomy"
)

// secretOf returns the secret on the page.
func secretOf(a *webtest.Answer) (text string, secret []byte) {
	a.T.Helper()
	text = strings.Join(strings.Fields(a.Find("#secret").Text()), "")
	secret, err := base32.StdEncoding.DecodeString(text)
	if err != nil || len(secret) != 20 {
		a.T.Fatalf("the secret is %q: %v", text, err)
	}
	return text, secret
}

func TestLabCodeIsWorkedOut(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	page := b.Get("/lab/code").Want(http.StatusOK)
	page.WantPage()
	text, secret := secretOf(page)
	now := s.Clock.Now()
	step := anatomy.StepAt(now)
	code := anatomy.NewCode(secret, step)
	page.Says("#digits", code.Digits).Says(".digits-now dd", anatomy.NewCode(secret, step-1).Digits+code.Digits+anatomy.NewCode(secret, step+1).Digits)
	mac := fmt.Sprintf("% x", code.MAC)
	page.Says("#mac", mac).Says("#mac .t", mac[58:]).Says("#mac .p", fmt.Sprintf("% x", code.MAC[code.Offset:code.Offset+4]))
	if !strings.HasSuffix(page.Text("#counter"), fmt.Sprintf(" = % x", code.Counter)) || !strings.HasSuffix(strings.ReplaceAll(page.Text("#number"), ",", ""), fmt.Sprint(" = ", code.Number)) {
		t.Errorf("the counter is %q, the number %q", page.Text("#counter"), page.Text("#number"))
	}
	page.Says("#six b", code.Digits)
	if got := fmt.Sprintf("%06d", code.Number); page.Text("#six") != got {
		t.Errorf("the number is %q, want %q", page.Text("#six"), got)
	}
	left := 30 - now.Unix()%30
	if got := page.Find("meter").AttrOr("value", ""); got != fmt.Sprint(left) {
		t.Errorf("%s seconds are left, want %d", got, left)
	}
	if want := "otpauth://totp/glassjar%20lab:jar.example?secret=" + text + "&issuer=glassjar%20lab"; readQR(t, page) != want {
		t.Errorf("the QR code says %q, want %q", readQR(t, page), want)
	}
	if again, _ := secretOf(b.Get("/lab/code")); again != text {
		t.Error("the same visit has another secret")
	}
	if other, _ := secretOf(s.Browser(t).Get("/lab/code")); other == text {
		t.Error("another visit has the same secret")
	}
	if c := page.Cookie("lab-visit"); c == nil || !c.HttpOnly || c.Secure || c.Path != "/lab" || c.MaxAge != 0 || strings.Contains(c.Value, text) {
		t.Errorf("the secret is in %v", c)
	}
}

// readQR returns the text of the page's QR code.
func readQR(t *testing.T, page *webtest.Answer) string {
	t.Helper()
	const scale = 4
	var size int
	if _, err := fmt.Sscanf(page.Find("svg.qr").AttrOr("viewBox", page.Find("svg.qr").AttrOr("viewbox", "")), "0 0 %d", &size); err != nil {
		t.Fatal(err)
	}
	drawn := image.NewGray(image.Rect(0, 0, size*scale, size*scale))
	for i := range drawn.Pix {
		drawn.Pix[i] = 0xff
	}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`).FindAllStringSubmatch(page.Find("svg.qr path").AttrOr("d", ""), -1) {
		x, _ := strconv.Atoi(run[1])
		y, _ := strconv.Atoi(run[2])
		n, _ := strconv.Atoi(run[3])
		for i := range n * scale {
			for j := range scale {
				drawn.Set(x*scale+i, y*scale+j, color.Black)
			}
		}
	}
	return webtest.ReadQR(t, drawn)
}

func TestLabCodeVerdicts(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	s.Clock.Move(30*time.Second - time.Duration(s.Clock.Now().UnixNano()%int64(30*time.Second))) // moves the clock to the start of a time step
	b := s.Browser(t)
	_, secret := secretOf(b.Get("/lab/code"))
	step := anatomy.StepAt(s.Clock.Now())
	digits := func(after int64) string { return anatomy.NewCode(secret, step+after).Digits }
	spaced := digits(0)[:3] + " " + digits(0)[3:]
	wide := fullWidth(digits(-1))
	for _, tt := range []struct {
		row, typed, title, steps, why string
	}{
		{"five digits", "12345", "Refused", "-..", "A code is six digits. Spaces and dashes between them do no harm."},
		{"letters", "abcdef", "Refused", "-..", "A code is six digits. Spaces and dashes between them do no harm."},
		{"nothing", "", "Refused", "-..", "A code is six digits. Spaces and dashes between them do no harm."},
		{"long", strings.Repeat("1", 5000), "Refused", "-..", "A code is six digits. Spaces and dashes between them do no harm."},
		{"before, in wide digits", wide, "Accepted", "+++", "Nobody else can know it but who has the secret. Now send the same again."},
		{"after", digits(1), "Accepted", "+++", "Nobody else can know it but who has the secret. Now send the same again."},
		{"once more", digits(1), "Refused", "++-", "It is the right code, and you used it 9 seconds ago. Somebody who looked over your shoulder types the same."},
		{"now, with a space, but after a later one", spaced, "Refused", "++-", "It is a right code, but you used a later one just now. After that no earlier one is taken."},
		{"too early", digits(2), "Refused", "+-.", "It is none of the three codes that are good just now: clocks may differ by half a minute."},
		{"just over", digits(-2), "Refused", "+-.", "It was good until just now. Who finds it later finds nothing."},
		{"over, seconds later", digits(-2), "Refused", "+-.", "It was good until 9 seconds ago. Who finds it later finds nothing."},
		{"over", digits(-6), "Refused", "+-.", "It was good until 2 minutes ago. Who finds it later finds nothing."},
	} {
		t.Run(tt.row, func(t *testing.T) {
			if tt.row == "once more" || tt.row == "over, seconds later" {
				s.Clock.Move(9 * time.Second)
				defer s.Clock.Move(-9 * time.Second)
			}
			got := b.Post("/lab/code", "code", tt.typed).Want(http.StatusOK)
			got.WantPage()
			got.Says("#verdict h3", tt.title).Says("#verdict h3 + p", tt.why)
			if steps(got) != tt.steps {
				t.Errorf("the checks are %s, want %s", steps(got), tt.steps)
			}
		})
	}
	if kept := labCookieOf(b, "lab-visit"); len(kept) > 1000 {
		t.Errorf("the visit's cookie has %d bytes", len(kept))
	}
}

// The lab takes a code in every spelling that the sign-in takes, and in no other.
func TestLabReadsACodeAsTheSignInDoes(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	s.Add(t, "ada", account.Member)
	app := s.AddApp(t, "ada")
	for _, spelling := range []struct {
		row    string
		typed  func(digits string) string
		accept bool
	}{
		{"as it is", func(d string) string { return d }, true},
		{"with a dash", func(d string) string { return d[:3] + "-" + d[3:] }, true},
		{"with a long dash and a space of another kind", func(d string) string { return d[:3] + "\u2013\u00a0" + d[3:] }, true},
		{"with a zero-width space", func(d string) string { return d[:3] + "\u200b" + d[3:] }, true},
		{"in wide digits, with a wide space", func(d string) string { return fullWidth(d[:3]) + "\u3000" + fullWidth(d[3:]) }, true},
		{"with many spaces", func(d string) string { return strings.Repeat(" ", 200) + d }, true},
		{"with too many spaces", func(d string) string { return strings.Repeat(" ", 251) + d }, false},
		{"with a dot", func(d string) string { return d[:3] + "." + d[3:] }, false},
		{"a wide letter more", func(d string) string { return d + "\uff21" }, false},
	} {
		t.Run(spelling.row, func(t *testing.T) {
			want := map[bool]string{true: "Accepted", false: "Refused"}[spelling.accept]
			b := s.Browser(t)
			b.Post("/lab/code", "code", spelling.typed(b.Get("/lab/code").Text("#digits"))).Says("#verdict h3", want)

			b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
			got := b.Post("/auth/code", "code", spelling.typed(app.Code(t)))
			if accepted := got.StatusCode == http.StatusSeeOther; accepted != spelling.accept {
				t.Errorf("the sign-in answers %d", got.StatusCode)
			}
			s.Clock.Move(time.Minute) // that code is used
		})
	}
}

// fullWidth returns the digits as Japanese keyboards type them.
func fullWidth(digits string) string {
	return strings.Map(func(c rune) rune { return c - '0' + '０' }, digits)
}

// However many codes are used, the cookie has only the last one.
func TestLabKeepsTheLastUsedCode(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	b := s.Browser(t)
	_, secret := secretOf(b.Get("/lab/code"))
	var sizes []int
	for range 20 {
		b.Post("/lab/code", "code", anatomy.NewCode(secret, anatomy.StepAt(s.Clock.Now())).Digits).Says("#verdict h3", "Accepted")
		sizes = append(sizes, len(labCookieOf(b, "lab-visit")))
		s.Clock.Move(30 * time.Second)
	}
	if sizes[19] != sizes[5] {
		t.Errorf("the cookie grows: %d", sizes)
	}
}

// A visit's cookie that the lab did not make is ignored.
func TestLabVisitIsTheLabs(t *testing.T) {
	s := webtest.New(t, webtest.WithLab)
	for _, value := range []string{"x", s.Settings.Lab.Sign("lab-visit", `{"secret":"AAAA"}`, time.Now()), strings.Repeat("A", 5000)} {
		text, _ := secretOf(s.Browser(t).Get("/lab/code", "Cookie", "lab-visit="+value).Want(http.StatusOK))
		if text == "" {
			t.Error("there is no secret")
		}
	}
	b := s.Browser(t)
	text, _ := secretOf(b.Get("/lab/code"))
	s.Settings.Lab.SetKeys(webtest.NewKey, webtest.Key)
	if again, _ := secretOf(b.Get("/lab/code")); again == text {
		t.Error("a cookie of other keys is taken")
	}
}
