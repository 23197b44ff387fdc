;;; emacs-lsp-mode.el --- A programmer at Emacs with aiex-lsp-mode  -*- lexical-binding: t; -*-

(require 'lsp-mode)
(setq lsp-auto-guess-root t
      lsp-enable-snippet nil
      lsp-warn-no-matched-clients nil
      lsp-enable-file-watchers nil
      lsp-diagnostics-provider :flymake
      lsp-restart 'ignore
      lsp-client-packages nil           ; those registered here, not 150 files more
      lsp-enable-suggest-server-download nil)

;; What lsp-mode knows of the file, whichever server said it.
(defun all-diagnostics ()
  (let (found)
    (maphash (lambda (_file diagnostics)
               (dolist (one (append diagnostics nil))
                 (push (aiex-lsp-mode--plist one) found)))
             (lsp-diagnostics t))
    found))

(scenario
 (load (getenv "AIEX_INIT") nil t)
 ;; The language's own server, as pyright would be.
 (lsp-register-client
  (make-lsp-client :server-id 'own
                   :new-connection (lsp-stdio-connection (list "python3" (getenv "AIEX_OWN")))
                   :activation-fn (lambda (_file mode) (eq mode 'python-mode))
                   :priority 1))
 (find-file (getenv "AIEX_SOURCE"))
 (lsp)
 (wait-for "attach" (lambda () (and (aiex-link) (aiex-link-live-p (aiex-link))
                                    (= 2 (length (lsp-workspaces)))))
           20)
 (wait-for "aiex-mode" (lambda () (bound-and-true-p aiex-mode)))
 (see 'servers (vconcat (sort (mapcar (lambda (one)
                                        (symbol-name (lsp--client-server-id
                                                      (lsp--workspace-client one))))
                                      (lsp-workspaces))
                              #'string<)))
 (to-total)
 (let (actions)
   (wait-for "actions of both"
             (lambda ()
               (setq actions (lsp-code-actions-at-point))
               (seq-find (lambda (one) (string-prefix-p "Explain" (lsp:code-action-title one)))
                         actions)))
   (see 'actions (vconcat (mapcar #'lsp:code-action-title actions)))
   (lsp-execute-code-action
    (seq-find (lambda (one) (string-prefix-p "Explain" (lsp:code-action-title one))) actions)))
 (wait-for "explanation" (lambda () (shows "*aiex*" "Nothing is rounded")))
 (idle)
 (see 'explanation (text-of "*aiex*"))
 (see 'header (with-current-buffer "*aiex*" (substring-no-properties (aiex--header))))

 (let (text)
   (wait-for "hover" (lambda ()
                       (let ((info (lsp-request "textDocument/hover"
                                                (lsp--text-document-position-params)
                                                :no-merge t)))
                         (setq text (format "%S" (mapcar (lambda (one)
                                                           (aiex-lsp-mode--plist (cdr one)))
                                                         info))))
                       (string-match-p "Sums prices" text)))
   (see 'hover text))
 (let (echoed)
   (cl-letf (((symbol-function 'lsp--eldoc-message) (lambda (&optional text) (setq echoed text))))
     (if (fboundp 'lsp-hover) (lsp-hover) ; lsp-mode 8
       (lsp-eldoc-function (lambda (text &rest _) (setq echoed text))))
     (wait-for "echo" (lambda () echoed)))
   (see 'echoed (substring-no-properties echoed)))

 ;; What the language's own server reports
 (wait-for "its diagnostic" (lambda () (all-diagnostics)))
 (wait-for "flymake" (lambda () (flymake-start) (flymake-diagnostics)))
 (goto-char (point-min))
 (search-forward "return sum")
 (undo-boundary)
 (call-interactively #'aiex-fix)
 (idle)
 (see 'fixed (buffer-string))
 (undo-boundary)
 (let ((last-command nil)) (undo))
 (to-total)

 (aiex-analyze "general")
 (wait-for "findings" (lambda ()
                        (cl-some (lambda (one)
                                   (string-match-p "No check" (plist-get one :message)))
                                 (all-diagnostics))))
 (idle)
 (see 'findings (vconcat (mapcar (lambda (one)
                                   (list (plist-get one :source) (plist-get one :message)))
                                 (all-diagnostics))))

 (undo-boundary)
 (aiex-refactor "Put the discount first")
 (idle)
 (see 'refactored (buffer-string))
 (undo-boundary)
 (let ((last-command nil)) (undo))
 (see 'undone (buffer-string))

 (to-total)
 (aiex-generate-tests)
 (idle)
 (let ((buffer (buffer-with "test_prices" "test_total_takes")))
   (see 'tests_file (and buffer (buffer-file-name buffer)))
   (see 'tests (and buffer (with-current-buffer buffer (buffer-string))))
   (see 'tests_shown (and (get-buffer-window buffer) t)))
 (see 'selected_window (buffer-name (window-buffer)))

 (change-documentation)
 (overtake)
 (to-total)
 (aiex-explain)
 (idle)
 (ask-on)
 (read-reports)
 (take-template)

 (global-set-key (kbd "C-c i") 'aiex-command-map)
 (to-total)
 (execute-kbd-macro (kbd "C-c i e"))
 (idle)
 (see 'by_key (text-of "*aiex*"))

 (aiex-follow-up "Never answer")
 (let ((work (car aiex--works)))
   (aiex-cancel)
   (wait-for "cancellation" (lambda () (aiex-work-done work))))
 (see 'cancelled (aiex-answer-state (car aiex--answers)))
 ;; The template had chosen another model; the mode line follows within a quarter of a second.
 (wait-for "health" (lambda () (string-match-p "desk · gpt-fake" (aiex-mode-line))))
 (see 'mode_line (substring-no-properties (aiex-mode-line)))
 (aiex-select-provider "desk" "gpt-older")
 (see 'selected (was-said "gpt-older"))
 (aiex-follow-up "Never answer")
 (begun)
 (kill-process (lsp--workspace-proc (aiex-lsp-mode--link-workspace (aiex-link))))
 (wait-for "its end" (lambda () (null aiex--works)))
 (see 'gone (aiex-answer-state (car aiex--answers)))
 (wait-for "the mode's end" (lambda () (not aiex-mode)) 5)
 (see 'mode_after aiex-mode))
