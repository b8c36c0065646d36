-- /etc/haproxy/glassjar.lua, printed by: glassjar recipe haproxy-lua
-- It asks the gate whether a request may pass. If so, it sets txn.passes and
-- the identity headers; else it answers, or leaves txn.passes unset when the
-- gate does not answer.
local identity = { "remote-user", "remote-groups", "remote-name", "remote-email", "remote-identity" }

-- letters returns what CGI and others may tell a header's name by.
local function letters(name) return (name:lower():gsub("[^a-z0-9]", "")) end

local ours = {}
for _, name in ipairs(identity) do ours[letters(name)] = true end

core.register_action("glassjar", { "http-req" }, function(txn, gate)
	local sent = txn.http:req_get_headers()
	local function joined(name, between)
		return sent[name] and table.concat(sent[name], between, 0)
	end
	local function first(name) return sent[name] and sent[name][0] or "" end

	local scheme = txn.sf:ssl_fc() == 1 and "https" or "http"
	local asks = {
		["cookie"] = { joined("cookie", "; ") },
		["x-original-url"] = { scheme .. "://" .. first("host") .. txn.sf:pathq() },
		["x-original-method"] = { txn.sf:method() },
		["x-forwarded-for"] = { txn.sf:src() },
	}
	for _, name in ipairs({ "authorization", "referer", "accept", "user-agent", "sec-fetch-mode", "x-requested-with", "upgrade" }) do
		asks[name] = { joined(name, ", ") }
	end
	local got = core.httpclient():get({ url = gate, timeout = 5000, headers = asks })

	local function told(name) return got.headers[name] and got.headers[name][0] or "" end
	local function answer(status, body, ...) -- with these headers of the gate's, and a program is asked for an app password
		local headers = {}
		for _, name in ipairs({ "www-authenticate", ... }) do
			if told(name) ~= "" then headers[name] = { told(name) } end
		end
		txn:done(txn:reply({ status = status, headers = headers, body = body }))
	end
	if got.status == 200 then
		for name in pairs(sent) do
			if ours[letters(name)] then txn.http:req_del_header(name) end
		end
		for _, name in ipairs(identity) do
			txn.http:req_set_header(name, told(name))
		end
		local others = {} -- the app gets every cookie but glassjar's
		for cookie in (joined("cookie", ";") or ""):gmatch("[^; \t][^;]*") do
			if not cookie:find("^glassjar") and not cookie:find("^__%a+%-glassjar") then table.insert(others, cookie) end
		end
		txn.http:req_set_header("cookie", table.concat(others, "; "))
		txn.http:req_del_header("authorization") -- it may hold an app password; the gate's answer holds the app's own
		if told("authorization") ~= "" then txn.http:req_set_header("authorization", told("authorization")) end
		txn:set_var("txn.passes", true)
	elseif got.status == 401 and told("location") ~= "" then -- for a page that a browser opens, a redirect
		local mode, accept = first("sec-fetch-mode"), first("accept")
		local opens = mode == "navigate" or mode == "" and accept:find("text/html", 1, true) and not sent["upgrade"] and not sent["x-requested-with"]
		answer(opens and 302 or 401, nil, "location")
	elseif got.status then
		answer(got.status, got.body, "content-type", "content-security-policy", "cache-control", "retry-after", "x-content-type-options")
	end
end, 1)
