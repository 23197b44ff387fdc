--- What runs at the server for this user: begun, streaming, cancelled, ended.
local M = {}

---@class aiex.Job
---@field title string
---@field client_id integer
---@field token? string|integer of its progress
---@field partial? string of its streamed text
---@field request? integer the id to cancel it by; a job without is cancelled by its token
---@field on_delta? fun(text: string)
---@field on_restart? fun(provider: string?)
---@field on_status? fun(message: string)
---@field on_title? fun(title: string)
---@field on_done? fun(err: table?, result: any)

local jobs = {} ---@type aiex.Job[]
local count = 0

-- The token of streamed text, or of progress, whose job it is.
local function find(field, client_id, token)
  for _, job in ipairs(jobs) do
    if job.client_id == client_id and job[field] == token then
      return job
    end
  end
end

local function forget(job)
  for index, one in ipairs(jobs) do
    if one == job then
      table.remove(jobs, index)
      return true
    end
  end
  return false
end

--- Returns the jobs that run, the oldest first.
---@return aiex.Job[]
function M.running()
  return jobs
end

--- Sends a request whose answer streams, and returns its job.
---@param client vim.lsp.Client
---@param method string
---@param params table
---@param buffer integer
---@param job aiex.Job its title and what is to be told
---@return aiex.Job
function M.request(client, method, params, buffer, job)
  count = count + 1
  job.client_id = client.id
  job.token, job.partial = 'aiex-work-' .. count, 'aiex-text-' .. count
  params = vim.tbl_extend('force', params, {
    workDoneToken = job.token,
    partialResultToken = job.partial,
  })
  jobs[#jobs + 1] = job
  local sent, id = client:request(method, params, function(err, result)
    if forget(job) then
      job.on_done(err, result)
    end
  end, buffer)
  job.request = id
  if not sent then
    forget(job)
    job.on_done({ message = 'The server has ended; :edit starts it again' })
  end
  return job
end

--- Has the server do a task and deliver what comes of it; its job begins with its progress.
---@param client vim.lsp.Client
---@param command string
---@param params table
---@param buffer integer
function M.command(client, command, params, buffer)
  local sent = client:request('workspace/executeCommand', {
    command = command,
    arguments = { params },
  }, function(err)
    if err then
      vim.notify('aiex: ' .. err.message, vim.log.levels.ERROR)
    end
  end, buffer)
  if not sent then
    vim.notify('aiex: the server has ended; :edit starts it again', vim.log.levels.ERROR)
  end
end

--- Stops a job; its model is asked no further.
---@param job aiex.Job
function M.cancel(job)
  local client = vim.lsp.get_client_by_id(job.client_id)
  if not client then
    forget(job)
  elseif job.request then
    client:cancel_request(job.request)
    -- Neovim hands the answer to a cancelled request to nobody.
    if forget(job) then
      job.on_done({ code = -32800, message = 'Cancelled.' })
    end
  else
    client:notify('window/workDoneProgress/cancel', { token = job.token })
  end
end

-- Keeps the jobs of work that began without a request of ours, such as an edit's.
local function follow(job, params, client_id)
  local value = params.value
  if value.kind == 'begin' and not job and value.cancellable then
    jobs[#jobs + 1] = { title = value.title, client_id = client_id, token = params.token }
    if require('aiex.config').get().notify then
      local text = vim.fn.strcharpart(('aiex: %s'):format(value.title), 0, vim.v.echospace - 2)
      vim.api.nvim_echo({ { text .. ' …' } }, false, {})
    end
  elseif value.kind == 'end' and job and not job.request then
    forget(job)
  end
  if job and job.on_title and value.kind == 'begin' then
    job.on_title(value.title)
  end
  if job and job.on_status and value.message then
    job.on_status(value.message)
  end
end

--- Handles `$/progress`: streamed text goes to its job, the rest to Neovim as well.
function M.on_progress(err, params, context)
  local value = params.value
  local job = find('partial', context.client_id, params.token)
  if job then
    if value.restart then
      job.on_restart(value.provider)
    elseif value.delta then
      job.on_delta(value.delta)
    end
    return
  end
  if type(value) == 'table' then
    if type(params.token) == 'string' and params.token:find('^aiex%-text%-') then
      return -- of a job that has ended
    end
    follow(find('token', context.client_id, params.token), params, context.client_id)
  end
  return vim.lsp.handlers['$/progress'](err, params, context)
end

--- Ends the jobs of a server that is no more.
---@param client_id integer
function M.server_gone(client_id)
  for _, job in ipairs(vim.list_slice(jobs)) do
    if job.client_id == client_id then
      forget(job)
      if job.on_done then
        job.on_done({ message = 'The server has ended; :edit starts it again' })
      end
    end
  end
end

return M
