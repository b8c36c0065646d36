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
	local got = core.httpclient():get({ url = gate, timeout = 5000, headers = {
		["cookie"] = { joined("cookie", "; ") },
		["authorization"] = { joined("authorization", ", ") },
		["referer"] = { joined("referer", ", ") },
		["x-original-url"] = { scheme .. "://" .. first("host") .. txn.sf:pathq() },
		["x-original-method"] = { txn.sf:method() },
		["x-forwarded-for"] = { txn.sf:src() },
	} })

	local function told(name) return got.headers[name] and got.headers[name][0] or "" end
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
		txn.http:req_del_header("authorization") -- it may hold an app password, which is the gate's
		txn:set_var("txn.passes", true)
	elseif got.status == 401 and told("location") ~= "" then -- for a page that a browser opens, a redirect
		local mode, accept = first("sec-fetch-mode"), first("accept")
		local opens = mode == "navigate" or mode == "" and accept:find("text/html", 1, true) and not sent["upgrade"] and not sent["x-requested-with"]
		txn:done(txn:reply({ status = opens and 302 or 401, headers = { ["location"] = { told("location") } } }))
	elseif got.status then
		txn:done(txn:reply({ status = got.status, headers = { ["content-type"] = { told("content-type") } }, body = got.body }))
	end
end, 1)
