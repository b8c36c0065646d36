package lab

// sameThing is something that a page shows, in Python and as a line of this program. A
// test checks that the line is in the file.
type sameThing struct{ What, With, Python, File, Go string }

// Words returns the page's comparisons with Python.
func (c stepLayout) Words() []sameThing { return words[c.Step] }

const (
	flask     = "Flask"
	werkzeug  = "Flask's Werkzeug"
	danger    = "Flask's itsdangerous"
	withPyOTP = "PyOTP"
)

var words = map[string][]sameThing{
	"request": {
		{"An arg, or nothing", flask, `request.args.get("username")`, "handlers/signin/auth.go", `account.Trim(args.Get("username"))`},
		{"A form's field", flask, `request.form["username"]`, "handlers/signin/auth.go", `account.Trim(form.Get("username"))`},
		{"Which method", flask, `@app.route("/auth", methods=["POST"])`, "handlers/handlers.go", `"POST /auth": s.Open(s.signin.AuthSubmit),`},
		{"A cookie that came along", flask, `request.cookies.get("lab")`, "utl/anatomy/store.go", `sent := r.CookiesNamed(name)`},
		{"Go on to another page", flask, `return redirect("/account", 303)`, "handlers/web/render.go", `w.WriteHeader(http.StatusSeeOther)`},
	},
	"session": {
		{"Put something in", flask, `session["colour"] = "green"`, "handlers/lab/session.go", `session.Values[key] = value`},
		{"Look, or take what stands for nothing", flask, `session.get("visits", 0)`, "handlers/lab/lab.go", `visits, _ := session.Values["visits"].(int)`},
		{"Take something out", flask, `session.pop("colour")`, "handlers/lab/session.go", `delete(session.Values, key)`},
		{"Clear it", flask, `session.clear()`, "handlers/lab/session.go", `clear(session.Values)`},
		{"Send it", flask, `return response  # Flask saves the session by itself`, "utl/anatomy/store.go", `http.SetCookie(w, sessions.NewCookie(gs.Name(), value, gs.Options))`},
	},
	"cookie": {
		{"Sign it", danger, `URLSafeTimedSerializer(key).dumps(dict(session))`, "utl/anatomy/lab.go", `value, err := codec.Encode(name, d)`},
		{"Check it", danger, `URLSafeTimedSerializer(key).loads(value, max_age=2592000)`, "utl/anatomy/lab.go", `err := codec.Decode(name, value, new(Dictionary))`},
		{"How old it may be", flask, `app.permanent_session_lifetime = timedelta(days=30)`, "utl/anatomy/lab.go", `MaxAge = 30 * 24 * time.Hour`},
		{"What keeps it safe", flask, `app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")`, "utl/session/cookie.go", `return &sessions.Options{Path: "/", HttpOnly: true, Secure: s.opt.Secure, SameSite: http.SameSiteLaxMode}`},
		{"A new session for a sign-in", flask, `session.clear(); session["sid"] = secrets.token_urlsafe()`, "utl/session/session.go", `SID: rand.Text(), ID: rand.Text(),`},
	},
	"key": {
		{"Make a key", flask, `app.secret_key = os.urandom(32)`, "utl/keyring/keyring.go", `if _, err := rand.Read(fresh); err != nil {`},
		{"Give it to what signs", flask, `app.session_interface.get_signing_serializer(app)`, "utl/session/cookie.go", `c := securecookie.New(k[:], nil).SetSerializer(serializer{})`},
		{"Sign by hand", "Python", `hmac.new(key, f"{name}|{t}|{payload}".encode(), "sha256").digest()`, "utl/anatomy/lab.go", `mac := hmac.New(sha256.New, l.keys.Load().sign[:])`},
	},
	"wire": {
		{"Serve https", flask, `app.run(ssl_context=("cert.pem", "key.pem"))`, "utl/server/listen.go", `ln = tls.NewListener(ln, config)`},
		{"Keep a cookie off http", flask, `app.config["SESSION_COOKIE_SECURE"] = True`, "utl/session/cookie.go", `Secure: s.opt.Secure`},
	},
	"password": {
		{"Keep it", werkzeug, `generate_password_hash(password)`, "utl/password/password.go", `idKey: argon2.IDKey,`},
		{"A new salt each time", "Python", `salt = os.urandom(16)`, "utl/password/password.go", `rand.Read(r.salt)`},
		{"Check it", werkzeug, `check_password_hash(kept, password)`, "utl/password/password.go", `case subtle.ConstantTimeCompare(key, r.key) != 1:`},
	},
	"code": {
		{"Make a secret", withPyOTP, `secret = pyotp.random_base32()`, "handlers/lab/code.go", `rand.Read(secret)`},
		{"The digits of now", withPyOTP, `pyotp.TOTP(secret).now()`, "utl/anatomy/code.go", `c.Number = binary.BigEndian.Uint32(c.MAC[c.Offset:]) & 0x7fffffff`},
		{"Take the neighbours too", withPyOTP, `pyotp.TOTP(secret).verify(code, valid_window=1)`, "handlers/lab/code.go", `}{{step, "now"}, {step - 1, "the one before"}, {step + 1, "the one after"}} {`},
	},
	"passkey": {
		{"Make a challenge", "py_webauthn", `options = generate_authentication_options(rp_id="jar.example")`, "handlers/lab/passkey_visit.go", `challenge := make([]byte, challengeBytes)`},
		{"Is it for this site?", "py_webauthn", `expected_rp_id="jar.example", expected_origin="https://jar.example"`, "utl/anatomy/passkey.go", `case c.Origin != q.Origin, c.CrossOrigin:`},
		{"Check the signature", "Python's cryptography", `public_key.verify(signature, data + sha256(client_data), ec.ECDSA(hashes.SHA256()))`, "utl/anatomy/passkey.go", `if !ecdsa.VerifyASN1(key, a.signed(), a.Signature) {`},
	},
}
