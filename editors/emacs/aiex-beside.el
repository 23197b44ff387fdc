;;; aiex-beside.el --- aiex on a connection of its own, beside eglot  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; eglot runs one server a buffer.  This talks to aiex-lsp on a connection of
;; its own, so that the language's own server stays with eglot, or with nothing
;; at all.  There is one aiex-lsp for this Emacs; it is told a buffer's text
;; before it is asked about it.  Hovers are left to the language's own server.

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'project)
(require 'url-util)
(require 'aiex)
(require 'aiex-edits)
(require 'aiex-findings)

(defclass aiex-beside-server (jsonrpc-process-connection) ()
  :documentation "A connection to aiex-lsp that no LSP client holds.")

(defvar aiex-beside--server nil
  "The connection, nil or ended where there is none.")

(defvar aiex-beside--roots nil
  "Projects the server was told of.")

(defvar-local aiex-beside--told nil
  "The version of this buffer the server knows, and the tick it had: a cons.")

(defvar-local aiex-beside--name nil
  "The URI under which the server knows this buffer.")

(defconst aiex-beside--languages
  '(("js" . "javascript") ("c++" . "cpp") ("sh" . "shellscript") ("bash" . "shellscript")
    ("tsx" . "typescriptreact"))
  "Names of languages that differ from those of their major modes.")

;;;###autoload
(defun aiex-beside-setup ()
  "Have the commands of aiex work in every programming mode, whoever serves it."
  (add-hook 'prog-mode-hook #'aiex-beside-mode)
  (with-eval-after-load 'eglot
    (add-hook 'eglot-managed-mode-hook #'aiex-beside--flymake-on)))

;;;###autoload
(define-minor-mode aiex-beside-mode
  "Have the commands of aiex work in this buffer on a connection of their own.
The server is started by the first command."
  :lighter nil
  (cond ((not aiex-beside-mode)
         (aiex-beside--close)
         (aiex-mode -1)
         (remove-hook 'kill-buffer-hook #'aiex-beside--close t)
         (remove-hook 'change-major-mode-hook #'aiex-beside--close t)
         (remove-hook 'flymake-diagnostic-functions #'aiex-findings--flymake t))
        ((or (not (aiex-beside--file)) (file-remote-p (aiex-beside--file)))
         (setq aiex-beside-mode nil)
         (when (called-interactively-p 'any)
           (user-error "Aiex reads files of this machine only")))
        (t (aiex-mode 1)
           (add-hook 'kill-buffer-hook #'aiex-beside--close nil t)
           (add-hook 'change-major-mode-hook #'aiex-beside--close nil t)
           (aiex-beside--flymake-on))))

(defun aiex-beside--flymake-on ()
  "Have flymake show findings in this buffer, beside what else it shows."
  (when aiex-beside-mode
    (add-hook 'flymake-diagnostic-functions #'aiex-findings--flymake nil t)))

(defun aiex-beside-link ()
  "Return the connection in a buffer of `aiex-beside-mode', started where needed."
  (when (and aiex-beside-mode (aiex-beside--file))
    (unless (or aiex-link-idle
                (and aiex-beside--server (jsonrpc-running-p aiex-beside--server)))
      (setq aiex-beside--server (aiex-beside--start)))
    aiex-beside--server))

(defun aiex-beside--file ()
  "Return the file of the current buffer, or of the one it is a view of."
  (buffer-file-name (or (buffer-base-buffer) (current-buffer))))

(defmacro aiex-beside--in-base (&rest body)
  "Run BODY in the buffer that the server knows, not in a view of its text."
  (declare (indent 0))
  `(with-current-buffer (or (buffer-base-buffer) (current-buffer)) ,@body))

(add-hook 'aiex-link-functions #'aiex-beside-link t)

;;; The connection

(defun aiex-beside--root ()
  "Return the folder of the current buffer's project."
  (expand-file-name
   (if-let ((project (project-current))) (project-root project) default-directory)))

(defun aiex-beside--uri (path)
  "Return the URI of PATH."
  (concat "file://" (url-hexify-string (file-truename path) url-path-allowed-chars)))

(defun aiex-beside--folder (root)
  "Return the workspace folder of ROOT."
  (list :uri (aiex-beside--uri (directory-file-name root))
        :name (file-name-nondirectory (directory-file-name root))))

(defun aiex-beside--start ()
  "Return a fresh connection, which knows the current buffer's project."
  (unless (executable-find (car aiex-program))
    (user-error "No %s in `exec-path': install aiex-lsp, or set `aiex-program'"
                (car aiex-program)))
  (let* ((root (aiex-beside--root))
         (server (make-instance
                  'aiex-beside-server
                  :name "aiex"
                  :process (lambda ()
                             (make-process :name "aiex" :command aiex-program
                                           :connection-type 'pipe :noquery t
                                           :coding 'utf-8-emacs-unix
                                           :stderr (get-buffer-create "*aiex stderr*")))
                  :notification-dispatcher #'aiex-beside--hear
                  :request-dispatcher #'aiex-beside--answer
                  :on-shutdown #'aiex-beside--ended))
         started)
    (unwind-protect
        (setq started (aiex-beside--initialize server root))
      (unless started                   ; C-g, or a server that does not answer
        (delete-process (jsonrpc--process server))))
    (setq aiex-beside--roots (list root))
    server))

(defun aiex-beside--initialize (server root)
  "Begin to talk with SERVER about the project at ROOT; return non-nil."
  (prog1
      (jsonrpc-request
       server 'initialize
       (list :processId (emacs-pid)
             :rootUri (aiex-beside--uri (directory-file-name root))
             :workspaceFolders (vector (aiex-beside--folder root))
             :initializationOptions (aiex-initialization-options)
             :capabilities
             '(:general (:positionEncodings ["utf-32"])
               :workspace (:applyEdit t :workspaceFolders t :workspaceEdit (:documentChanges t))
               :textDocument (:publishDiagnostics (:relatedInformation :json-false))))
       :timeout 30)
    (jsonrpc-notify server 'initialized (make-hash-table))))

(defun aiex-beside--ended (server)
  "Forget SERVER, which has ended, and what it was told."
  (aiex--link-gone server)
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (setq aiex-beside--told nil)
      (when aiex-findings                ; the next server knows nothing of them
        (setq aiex-findings nil)
        (aiex-findings-tell)))))

(cl-defmethod aiex-link-request ((server aiex-beside-server) method params success failure)
  "Send METHOD with PARAMS to SERVER; SUCCESS and FAILURE get what comes of it."
  (jsonrpc-async-request server (intern method) (or params (make-hash-table))
                         :success-fn success :error-fn failure :timeout nil))

(cl-defmethod aiex-link-notify ((server aiex-beside-server) method params)
  "Tell SERVER of METHOD with PARAMS."
  (jsonrpc-notify server (intern method) params))

(cl-defmethod aiex-link-position ((_server aiex-beside-server) pos)
  "Return POS as line and character."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char pos)
      (list :line (1- (line-number-at-pos)) :character (- pos (line-beginning-position))))))

(cl-defmethod aiex-link-uri ((_server aiex-beside-server))
  "Return the URI of the current buffer."
  (aiex-beside--uri (or (aiex-beside--file) (user-error "This buffer has no file"))))

(cl-defmethod aiex-link-live-p ((server aiex-beside-server))
  "Return whether SERVER runs."
  (jsonrpc-running-p server))

;;; Texts

(cl-defmethod aiex-link-flush ((server aiex-beside-server))
  "Tell SERVER of the current buffer's text, where it does not know it."
  (aiex-beside--in-base (aiex-beside--tell server)))

(defun aiex-beside--tell (server)
  "Tell SERVER of this buffer's text, which is no view of another's."
  (let ((root (aiex-beside--root))
        (tick (buffer-chars-modified-tick))
        (text (save-restriction (widen) (buffer-substring-no-properties (point-min) (point-max))))
        (uri (aiex-link-uri server)))
    (unless (equal uri aiex-beside--name) ; written under another name
      (aiex-beside--close)
      (setq aiex-beside--name uri))
    (unless (member root aiex-beside--roots)
      (push root aiex-beside--roots)
      (aiex-link-notify server "workspace/didChangeWorkspaceFolders"
                        (list :event (list :added (vector (aiex-beside--folder root))
                                           :removed []))))
    (cond
     ((null aiex-beside--told)
      (aiex-link-notify server "textDocument/didOpen"
                        (list :textDocument (list :uri uri :languageId (aiex-beside--language)
                                                  :version 0 :text text)))
      (setq aiex-beside--told (cons 0 tick)))
     ((/= tick (cdr aiex-beside--told))
      (setq aiex-beside--told (cons (1+ (car aiex-beside--told)) tick))
      (aiex-link-notify server "textDocument/didChange"
                        (list :textDocument (list :uri uri :version (car aiex-beside--told))
                              :contentChanges (vector (list :text text))))))))

(defun aiex-beside--language ()
  "Return the name of the current buffer's language in LSP."
  (let ((name (replace-regexp-in-string "\\(-ts\\)?-mode\\'" "" (symbol-name major-mode))))
    (or (cdr (assoc name aiex-beside--languages)) name)))

(defun aiex-beside--close ()
  "Tell the server that the current buffer is closed."
  (when (and aiex-beside--told (not (buffer-base-buffer)) ; a view has it from the copy
             aiex-beside--server (jsonrpc-running-p aiex-beside--server))
    (aiex-link-notify aiex-beside--server "textDocument/didClose"
                      (list :textDocument (list :uri aiex-beside--name))))
  (setq aiex-beside--told nil))

;;; What the server says and asks

(defun aiex-beside--hear (server method params)
  "Take the notification METHOD with PARAMS of SERVER."
  (pcase method
    ('aiex/showMarkdown
     (aiex-show-markdown (jsonrpc--process server)
                         (plist-get params :id) (plist-get params :title)
                         (plist-get params :markdown) (plist-get params :final)))
    ('aiex/providerHealth (aiex--take-health server params))
    ('$/progress (aiex--progress (plist-get params :token) (plist-get params :value)))
    ('window/showMessage (message "aiex: %s" (plist-get params :message)))
    ('textDocument/publishDiagnostics
     (when-let* ((path (aiex--path (plist-get params :uri)))
                 (buffer (find-buffer-visiting path)))
       (with-current-buffer buffer
         (setq aiex-findings (plist-get params :diagnostics))
         (aiex-findings-tell))))))

(defun aiex-beside--answer (_server method params)
  "Return the answer to the request METHOD with PARAMS."
  (pcase method
    ('workspace/applyEdit (aiex-beside--apply (plist-get params :edit)))
    (_ nil)))

(defun aiex-beside--apply (edit)
  "Make EDIT, all of it or nothing; return what the server is to know."
  (let ((files (mapcar (lambda (one)
                         (let ((document (plist-get one :textDocument)))
                           (list (find-file-noselect (aiex--path (plist-get document :uri)))
                                 (plist-get document :version)
                                 (plist-get one :edits))))
                       (plist-get edit :documentChanges))))
    (if-let ((obstacle (cl-some #'aiex-beside--obstacle files)))
        (list :applied :json-false :failureReason obstacle)
      (pcase-dolist (`(,buffer ,_ ,edits) files)
        (with-current-buffer buffer
          (aiex--make-edits edits)
          (when aiex-beside-mode (aiex-link-flush aiex-beside--server))))
      (list :applied t))))

(defun aiex-beside--obstacle (file)
  "Return why FILE cannot be edited: its buffer, version and edits; nil if it can."
  (with-current-buffer (car file)
    (cond (buffer-read-only (format "%s is read-only" (buffer-name)))
          ((and (cadr file)
                (not (equal aiex-beside--told (cons (cadr file) (buffer-chars-modified-tick)))))
           ;; The server tries again on the text as it is now, or says why it does not.
           (aiex-link-flush aiex-beside--server)
           "The text has changed"))))

(provide 'aiex-beside)
;;; aiex-beside.el ends here
