;;; aiex-lsp-mode.el --- aiex beside the language's own server under lsp-mode  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; aiex-lsp runs as an add-on: completion, definitions and diagnostics of the
;; language's own server stay as they are.

;;; Code:

(require 'cl-lib)
(require 'lsp-mode)
(require 'aiex)

(cl-defstruct aiex-lsp-mode--link
  "A link over the WORKSPACE of lsp-mode."
  workspace)

(defvar aiex-lsp-mode--links nil
  "Links by workspace, so that each has one.")

;;;###autoload
(defun aiex-lsp-mode-setup ()
  "Register aiex-lsp with lsp-mode, beside the language's own server."
  (lsp-register-client
   (make-lsp-client
    :server-id 'aiex
    :new-connection (aiex-lsp-mode--connection)
    :activation-fn (lambda (_file mode) (provided-mode-derived-p mode 'prog-mode))
    :add-on? t
    :priority -2
    :multi-root t
    :initialization-options #'aiex-initialization-options
    ;; lsp-mode counts characters, the protocol UTF-16 units unless told otherwise.
    :custom-capabilities '((general . ((positionEncodings . ["utf-32"])))
                           (experimental . ((aiex . ((showMarkdown . t)
                                                     (providerHealth . t))))))
    :notification-handlers
    (aiex-lsp-mode--table
     "aiex/showMarkdown"
     (lambda (workspace params)
       (let ((told (aiex-lsp-mode--plist params)))
         (aiex-show-markdown (lsp--workspace-proc workspace)
                             (plist-get told :id) (plist-get told :title)
                             (plist-get told :markdown) (plist-get told :final))))
     "aiex/providerHealth"
     (lambda (workspace params)
       (aiex--take-health (aiex-lsp-mode--link-of workspace) (aiex-lsp-mode--plist params)))
     "window/showMessage"
     (lambda (_workspace params)
       (message "aiex: %s" (plist-get (aiex-lsp-mode--plist params) :message)))
     "$/progress"
     (lambda (workspace params)
       (let ((told (aiex-lsp-mode--plist params)))
         (unless (aiex--progress (plist-get told :token) (plist-get told :value))
           (funcall lsp-progress-function workspace params)))))
    :request-handlers
    (aiex-lsp-mode--table
     "workspace/applyEdit"
     (lambda (_workspace params)
       (aiex-lsp-mode--apply (lsp:apply-workspace-edit-params-edit params)))
     "window/showDocument"
     (lambda (_workspace params)
       (aiex-lsp-mode--show (plist-get (aiex-lsp-mode--plist params) :uri))))
    :action-handlers
    (apply #'aiex-lsp-mode--table
           (mapcan (lambda (name) (list (concat "aiex/" name) #'aiex-lsp-mode--act))
                   '("explain" "analyze" "generateTests" "fix" "document" "refactor" "run")))))
  (dolist (shown '(lsp-hover lsp-eldoc-function))
    (when (fboundp shown) (advice-add shown :around #'aiex-lsp-mode--at-rest)))
  (add-hook 'lsp-after-open-hook #'aiex-lsp-mode--mode)
  (add-hook 'lsp-unconfigured-hook #'aiex-lsp-mode--off)
  (add-hook 'lsp-after-uninitialized-functions #'aiex-lsp-mode--gone))

(defun aiex-lsp-mode--at-rest (show &rest arguments)
  "Call SHOW with ARGUMENTS, which asks for a hover to be echoed while point rests.
Where another server has hovers aiex is not asked: lsp-mode waits for all, and
of two it echoes nothing.  `lsp-describe-thing-at-point' shows both."
  (let ((lsp--buffer-workspaces
         (or (cl-remove-if-not
              (lambda (one)
                (and (not (eq 'aiex (lsp--client-server-id (lsp--workspace-client one))))
                     (with-lsp-workspace one (lsp--capability :hoverProvider))))
              lsp--buffer-workspaces)
             lsp--buffer-workspaces)))
    (apply show arguments)))

(defun aiex-lsp-mode--connection ()
  "Return how lsp-mode starts the server.
lsp-mode names the process and its buffer by the client: that would be the
buffer of answers, and whoever killed it would kill the server."
  (let* ((usual (lsp-stdio-connection (lambda () aiex-program)))
         (connect (plist-get usual :connect)))
    (plist-put (copy-sequence usual) :connect
               (lambda (filter sentinel _name &rest more)
                 (apply connect filter sentinel "aiex-lsp" more)))))

(defun aiex-lsp-mode--apply (edit)
  "Make EDIT, and return what the server is to know.
lsp-mode 9 visits a file before it makes it, and would then ask whether to read
it again."
  (let ((revert-without-query '("")))
    (condition-case problem
        (progn (lsp--apply-workspace-edit edit 'server-requested)
               (list :applied t))
      (error (list :applied :json-false :failureReason (error-message-string problem))))))

(defun aiex-lsp-mode--show (uri)
  "Show the file of URI beside the code, and return what the server is to know.
lsp-mode 9 would show it in place of the code."
  (when aiex-show-tests
    (display-buffer (find-file-noselect (lsp--uri-to-path uri))))
  (list :success t))

(defun aiex-lsp-mode--table (&rest pairs)
  "Return a hash table of PAIRS, keys and values in turn."
  (let ((table (make-hash-table :test #'equal)))
    (cl-loop for (key value) on pairs by #'cddr do (puthash key value table))
    table))

(defun aiex-lsp-mode--plist (value)
  "Return VALUE as lsp-mode gives it with plists in place of hash tables."
  (cond ((hash-table-p value)
         (let (plist)
           (maphash (lambda (key one)
                      (push (intern (concat ":" key)) plist)
                      (push (aiex-lsp-mode--plist one) plist))
                    value)
           (nreverse plist)))
        ((vectorp value) (cl-map 'vector #'aiex-lsp-mode--plist value))
        (t value)))

(defun aiex-lsp-mode--mode ()
  "Turn `aiex-mode' on where aiex serves this buffer."
  (when (aiex-lsp-mode-link) (aiex-mode 1)))

(defun aiex-lsp-mode--off ()
  "Turn `aiex-mode' off where lsp-mode has left the buffer."
  (when (bound-and-true-p aiex-mode) (aiex-mode -1)))

(defun aiex-lsp-mode-link ()
  "Return the link of the current buffer where lsp-mode runs aiex in it."
  (when (bound-and-true-p lsp-managed-mode)
    (when-let ((workspace (cl-find 'aiex (lsp-workspaces)
                                   :key (lambda (one)
                                          (lsp--client-server-id (lsp--workspace-client one))))))
      (aiex-lsp-mode--link-of workspace))))

(defun aiex-lsp-mode--link-of (workspace)
  "Return the link over WORKSPACE."
  (or (alist-get workspace aiex-lsp-mode--links)
      (setf (alist-get workspace aiex-lsp-mode--links)
            (make-aiex-lsp-mode--link :workspace workspace))))

(add-hook 'aiex-link-functions #'aiex-lsp-mode-link)
(add-hook 'aiex-diagnostic-functions #'aiex-lsp-mode--diagnostics)

(defun aiex-lsp-mode--diagnostics ()
  "Return the diagnostics that any server of lsp-mode has for this line."
  (when (and (bound-and-true-p lsp-managed-mode) (not (bound-and-true-p flymake-mode)))
    (mapcar #'aiex-lsp-mode--plist (append (lsp-cur-line-diagnostics) nil))))

(defun aiex-lsp-mode--gone (workspace)
  "Forget the link of WORKSPACE, which has ended."
  (when-let ((link (alist-get workspace aiex-lsp-mode--links)))
    (setf (alist-get workspace aiex-lsp-mode--links nil 'remove) nil)
    (aiex--link-gone link)
    (dolist (buffer (buffer-list))
      (with-current-buffer buffer
        (when (and (bound-and-true-p lsp-mode) (not (aiex-lsp-mode-link)))
          (aiex-lsp-mode--off))))))

;;; The link

(cl-defmethod aiex-link-request ((link aiex-lsp-mode--link) method params success failure)
  "Send METHOD with PARAMS over LINK; SUCCESS and FAILURE get what comes of it."
  (with-lsp-workspace (aiex-lsp-mode--link-workspace link)
    (lsp-request-async method (or params (make-hash-table))
                       (lambda (results) (funcall success (aiex-lsp-mode--plist (cdar results))))
                       :mode 'detached
                       :no-merge t
                       :error-handler
                       (lambda (problem) (funcall failure (aiex-lsp-mode--plist problem))))))

(cl-defmethod aiex-link-notify ((link aiex-lsp-mode--link) method params)
  "Tell of METHOD with PARAMS over LINK."
  (with-lsp-workspace (aiex-lsp-mode--link-workspace link)
    (lsp-notify method params)))

(cl-defmethod aiex-link-position ((_link aiex-lsp-mode--link) pos)
  "Return POS as lsp-mode counts."
  (lsp-point-to-position pos))

(cl-defmethod aiex-link-uri ((_link aiex-lsp-mode--link))
  "Return the URI of the current buffer."
  (lsp--buffer-uri))

(cl-defmethod aiex-link-live-p ((link aiex-lsp-mode--link))
  "Return whether the server of LINK runs."
  (eq (lsp--workspace-status (aiex-lsp-mode--link-workspace link)) 'initialized))

(defun aiex-lsp-mode--act (action)
  "Do the command of a code ACTION of aiex, by aiex alone."
  (let ((command (aiex-lsp-mode--plist action)))
    (aiex-execute (aiex-lsp-mode-link) (plist-get command :command)
                  (plist-get command :arguments))))

(provide 'aiex-lsp-mode)
;;; aiex-lsp-mode.el ends here
