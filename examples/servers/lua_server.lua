-- A game loop in Lua (with lua-posix) that knows nothing of okg: as skynet, it takes a module anew on a signal of its own,
-- between two ticks, and says in a file which one it has.
--   okg run --prepare 'luac5.3 -p "$OKG_RELOAD_DIR/rules.lua"' \
--     --on-reload 'kill -USR1 $OKG_SERVER_PID; until grep -q "^$OKG_RELOAD_DIGEST" "$OKG_RUN_DIR/lua"; do sleep 0.02; done' \
--     -- lua5.3 lua_server.lua
local signal, time, unistd = require "posix.signal", require "posix.time", require "posix.unistd"
local active, state = os.getenv "OKG_ACTIVE_DIR", os.getenv "OKG_RUN_DIR" .. "/lua"
local rules, wanted, loads = nil, true, 0
signal.signal(signal.SIGUSR1, function() wanted = true end)

local function load()
  local directory = unistd.readlink(active) -- one version, though the link may move meanwhile
  local chunk, why = loadfile(directory .. "/rules.lua")
  if not chunk then io.stderr:write(why, "\n") return end -- the rules before stay in use
  rules, loads = chunk(), loads + 1
  local file = assert(io.open(state .. ".new", "w"))
  file:write("sha256:", directory:match("/v/(%x+)"), " ", loads - 1, " ", rules.greet("player"), "\n")
  file:close()
  os.rename(state .. ".new", state)
end

while true do
  if wanted then wanted = false; load() end
  rules.tick()
  time.nanosleep({tv_sec = 0, tv_nsec = 10000000})
end
