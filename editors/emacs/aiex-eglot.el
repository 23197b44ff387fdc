;;; aiex-eglot.el --- aiex as the server of a buffer under eglot  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; eglot runs one server a buffer: aiex-lsp takes the place of the language's
;; own.  To have both use aiex-lsp-mode.el.
;;
;; Code actions are run without waiting: eglot gives up on a command after ten
;; seconds, and a model may take longer.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'jsonrpc)
(require 'aiex)

(defclass aiex-eglot-server (eglot-lsp-server) ()
  :documentation "A connection to aiex-lsp.")

(defcustom aiex-eglot-modes
  '((python-mode "python") (python-ts-mode "python") (js-mode "javascript")
    (js-ts-mode "javascript") (typescript-mode "typescript") (typescript-ts-mode "typescript")
    (tsx-ts-mode "typescriptreact") (go-mode "go") (go-ts-mode "go") (rust-mode "rust")
    (rust-ts-mode "rust") (java-mode "java") (java-ts-mode "java") (c-mode "c") (c-ts-mode "c")
    (c++-mode "cpp") (c++-ts-mode "cpp") (csharp-mode "csharp") (csharp-ts-mode "csharp")
    (ruby-mode "ruby") (ruby-ts-mode "ruby") (php-mode "php") (elixir-mode "elixir")
    (elixir-ts-mode "elixir") (lua-mode "lua") (sh-mode "shellscript") (bash-ts-mode "shellscript"))
  "Major modes that aiex serves, each with the language's name in LSP."
  :group 'aiex
  :type '(repeat (list symbol string)))

(defcustom aiex-eglot-confirm nil
  "Non-nil: eglot asks before it makes an edit of aiex.
You asked for the edit, and one undo takes it back.  Before Emacs 30 a question
that is open while the server goes on talking can also garble the connection."
  :group 'aiex
  :type 'boolean)

;;;###autoload
(defun aiex-eglot-setup ()
  "Have eglot start aiex-lsp for the modes of `aiex-eglot-modes'."
  (pcase-dolist (`(,mode ,language) aiex-eglot-modes)
    (add-to-list 'eglot-server-programs
                 (cons (list (list mode :language-id language))
                       (cons 'aiex-eglot-server aiex-program))))
  (add-hook 'eglot-managed-mode-hook #'aiex-eglot--mode)
  (advice-add 'jsonrpc-request :after #'aiex-eglot--after-request))

(defun aiex-eglot--mode ()
  "Turn `aiex-mode' on or off as aiex serves this buffer."
  (let ((ours (and (eglot-managed-p) (aiex-eglot-link))))
    (when (or ours (bound-and-true-p aiex-mode))
      (aiex-mode (if ours 1 -1)))))

(defun aiex-eglot-link ()
  "Return the connection of the current buffer where it is one to aiex."
  (when-let ((server (eglot-current-server)))
    (and (cl-typep server 'aiex-eglot-server) server)))

(add-hook 'aiex-link-functions #'aiex-eglot-link)

;;; The link

(cl-defmethod eglot-initialization-options ((_server aiex-eglot-server))
  "Return what aiex is told at its start."
  (aiex-initialization-options))

(cl-defmethod aiex-link-request ((server aiex-eglot-server) method params success failure)
  "Send METHOD with PARAMS to SERVER; SUCCESS and FAILURE get what comes of it."
  (jsonrpc-async-request server (intern method) (or params eglot--{})
                         :success-fn success :error-fn failure :timeout nil))

(cl-defmethod aiex-link-notify ((server aiex-eglot-server) method params)
  "Tell SERVER of METHOD with PARAMS."
  (jsonrpc-notify server (intern method) params))

(cl-defmethod aiex-link-position ((_server aiex-eglot-server) pos)
  "Return POS as eglot counts."
  (eglot--pos-to-lsp-position pos))

(cl-defmethod aiex-link-uri ((_server aiex-eglot-server))
  "Return the URI of the current buffer."
  (plist-get (eglot--TextDocumentIdentifier) :uri))

(cl-defmethod aiex-link-flush ((_server aiex-eglot-server))
  "Tell of changes now, not half a second later."
  (eglot--signal-textDocument/didChange))

(cl-defmethod aiex-link-live-p ((server aiex-eglot-server))
  "Return whether SERVER runs."
  (jsonrpc-running-p server))

(defun aiex-eglot--after-request (connection &rest _)
  "Read on after a request over CONNECTION that somebody waited for."
  (when (cl-typep connection 'aiex-eglot-server)
    (aiex-read-on connection)))

;;; What aiex tells

(cl-defmethod eglot-handle-notification
  ((server aiex-eglot-server) (_method (eql aiex/showMarkdown))
   &key id title markdown final &allow-other-keys)
  "Show MARKDOWN under TITLE; the same ID of SERVER replaces it, until it is FINAL."
  (aiex-show-markdown (jsonrpc--process server) id title markdown final))

(cl-defmethod eglot-handle-notification
  ((server aiex-eglot-server) (_method (eql aiex/providerHealth)) &rest health)
  "Show HEALTH in the mode lines of what SERVER serves."
  (aiex--take-health server health))

(cl-defmethod eglot-handle-notification
  ((_server aiex-eglot-server) (_method (eql $/progress)) &key token value &allow-other-keys)
  "Take VALUE under TOKEN where it is of work of ours."
  (or (aiex--progress token value)
      (cl-call-next-method)))

(cl-defmethod eglot-handle-notification
  ((_server aiex-eglot-server) (_method (eql window/showMessage)) &key message &allow-other-keys)
  "Show MESSAGE as it is."
  (message "aiex: %s" message))

;;; Edits and code actions

(defvar eglot-confirm-server-edits)     ; eglot 1.17 and later

(defun aiex-eglot--files (edit)
  "Return the paths of the files that EDIT, a WorkspaceEdit, is of."
  (mapcar (if (fboundp 'eglot-uri-to-path) 'eglot-uri-to-path 'eglot--uri-to-path)
          (append (mapcar (lambda (one) (plist-get (plist-get one :textDocument) :uri))
                          (plist-get edit :documentChanges))
                  (cl-loop for (uri) on (plist-get edit :changes) by #'cddr
                           collect (substring (symbol-name uri) 1)))))

(cl-defmethod eglot-handle-request
  ((_server aiex-eglot-server) (_method (eql workspace/applyEdit)) &key edit &allow-other-keys)
  "Make EDIT, without a question unless `aiex-eglot-confirm' says so."
  (if aiex-eglot-confirm
      (cl-call-next-method)
    (with-suppressed-warnings ((obsolete eglot-confirm-server-initiated-edits))
      (let ((eglot-confirm-server-initiated-edits nil)
            (eglot-confirm-server-edits nil))
        (mapc #'find-file-noselect (delq nil (aiex-eglot--files edit)))
        (cl-call-next-method)))))

(with-suppressed-warnings ((obsolete eglot-execute-command))
  (cl-defmethod eglot-execute-command ((server aiex-eglot-server) command arguments)
    "Have SERVER do COMMAND with ARGUMENTS, without waiting for it."
    (or (aiex-execute server command arguments)
        (cl-call-next-method))))

(when (fboundp 'eglot-execute)          ; eglot 1.16 and later
  (cl-defmethod eglot-execute ((server aiex-eglot-server) action)
    "Have SERVER do ACTION, a command or code action, without waiting for it."
    (let* ((inner (plist-get action :command))
           (command (if (consp inner) inner action)))
      (or (aiex-execute server (plist-get command :command) (plist-get command :arguments))
          (cl-call-next-method)))))

(provide 'aiex-eglot)
;;; aiex-eglot.el ends here
