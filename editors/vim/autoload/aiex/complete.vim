" What may be typed after `:Aiex`.

let s:after = {
      \ 'explain': ['brief', 'standard', 'detailed'],
      \ 'analyze': ['general', 'performance', 'security', 'maintainability'],
      \ 'prompt': ['explain', 'analyze', 'tests', 'fix', 'document', 'refactor'],
      \ 'usage': ['1', '7', '30', '90'],
      \ }

" Returns the words that begin with what was typed.
function! aiex#complete#words(lead, line, pos) abort
  let l:typed = split(matchstr(strpart(a:line, 0, a:pos), '\v^.{-}Ai%[ex]!?\s+\zs.*'), '\s\+', 1)
  if len(l:typed) < 2
    let l:found = aiex#names()
  elseif l:typed[0] ==# 'run'
    let l:found = s:Template(l:typed)
  else
    let l:found = len(l:typed) == 2 ? get(s:after, l:typed[0], []) : []
  endif
  return filter(copy(l:found), {_, name -> stridx(name, a:lead) == 0})
endfunction

" Returns the templates there are, or the variables of the one that was typed.
function! s:Template(typed) abort
  if !executable(aiex#job#program())
    return []
  endif
  let l:output = system(shellescape(aiex#job#program()) . ' templates list --json')
  try
    let l:all = json_decode(l:output)
  catch
    return []
  endtry
  if len(a:typed) == 2
    return sort(map(l:all, 'v:val.id'))
  endif
  let l:one = get(filter(l:all, {_, each -> each.id ==# a:typed[1]}), 0, {'variables': []})
  let l:asked = filter(copy(l:one.variables), {_, each -> empty(get(each, 'inject', v:null))})
  return map(l:asked, 'v:val.name . "="')
endfunction
